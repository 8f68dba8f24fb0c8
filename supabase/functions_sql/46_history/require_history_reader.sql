-- Lets through the members of a conversation and operators; nobody else learns that it exists.
--
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.require_history_reader(p_conversation_id uuid)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if private.is_operator() then
    if exists (select from public.conversations as c where c.id = p_conversation_id) then
      return;
    end if;
  else
    perform private.require_user();
  end if;
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
end;
$$;

revoke all on function private.require_history_reader(uuid)
from public, anon, authenticated, service_role;
