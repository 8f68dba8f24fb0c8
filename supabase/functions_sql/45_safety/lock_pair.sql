-- Locks all that two users have together before it changes what they may do to each other: whatever
-- either of them was doing there is done before, or comes after.
--
-- Locks: both accounts, then their conversations, then their rows of private.participants, each in
-- the order of their ids.
-- Errors: INPUT_INVALID (422) for one and the same user, USER_NOT_FOUND (404).
create or replace function private.lock_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_user_id = p_other_id then
    perform private.raise_input_invalid('user_id', 'not_yourself', 'This is your own id.');
  end if;
  if not exists (select from public.users as u where u.id = p_other_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  perform 1 from private.accounts as a
  where a.user_id in (p_user_id, p_other_id)
  order by a.user_id
  for no key update;
  perform 1 from public.conversations as c
  where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  order by c.id
  for no key update;
  perform 1 from private.participants as p
  where p.conversation_id in (
    select c.id
    from public.conversations as c
    where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  )
  order by p.conversation_id, p.user_id
  for no key update;
end;
$$;

revoke all on function private.lock_pair(uuid, uuid)
from public, anon, authenticated, service_role;
