-- Lets two users see, by the versions of their conversations, that what they may do to each other
-- has changed.
--
-- Locks: private.lock_pair has locked the rows already. Writes: participants.
create or replace function private.touch_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.participants as p
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1,
    typing_until = null
  from public.conversations as c
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and p.conversation_id = c.id;
end;
$$;

revoke all on function private.touch_pair(uuid, uuid)
from public, anon, authenticated, service_role;
