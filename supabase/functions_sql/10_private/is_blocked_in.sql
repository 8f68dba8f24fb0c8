-- Whether one of the two members of a conversation blocks the other.
create or replace function private.is_blocked_in(p_conversation_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from public.conversations as c
    where c.id = p_conversation_id and private.is_blocked(c.user_a, c.user_b)
  );
$$;

revoke all on function private.is_blocked_in(uuid)
from public, anon, authenticated, service_role;
