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
declare
  v_is_operator boolean := coalesce(auth.role() = 'service_role', false);
  v_me uuid;
begin
  if not v_is_operator then
    v_me := private.require_user();
    v_is_operator := exists (select from private.admins as a where a.user_id = v_me);
  end if;
  if not private.is_my_conversation(p_conversation_id) and not (
    v_is_operator
    and exists (select from public.conversations as c where c.id = p_conversation_id)
  ) then
    perform private.raise_conversation_not_found();
  end if;
end;
$$;

revoke all on function private.require_history_reader(uuid)
from public, anon, authenticated, service_role;
