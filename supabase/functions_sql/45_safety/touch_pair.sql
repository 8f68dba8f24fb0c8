-- Lets two users see, by the versions of their conversations, that what they may do to each other
-- has changed.
--
-- Locks: their rows of private.participants, in the order of their ids. Writes: participants.
create or replace function private.touch_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation_ids constant uuid[] := array(
    select c.id
    from public.conversations as c
    where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  );
begin
  perform 1 from private.participants as p
  where p.conversation_id = any (v_conversation_ids)
  order by p.conversation_id, p.user_id
  for no key update;
  update private.participants as p
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1,
    typing_until = null
  where p.conversation_id = any (v_conversation_ids);
end;
$$;

revoke all on function private.touch_pair(uuid, uuid)
from public, anon, authenticated, service_role;
