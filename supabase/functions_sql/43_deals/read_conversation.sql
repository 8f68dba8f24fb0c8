-- A conversation of a user, as it is stored.
--
-- Errors: CONVERSATION_NOT_FOUND (404), also for somebody else's.
create or replace function private.read_conversation(p_conversation_id uuid, p_user_id uuid)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
begin
  select c.* into v_conversation
  from public.conversations as c
  where c.id = p_conversation_id and p_user_id in (c.user_a, c.user_b);
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.read_conversation(uuid, uuid)
from public, anon, authenticated, service_role;
