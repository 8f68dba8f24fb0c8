-- Locks what two users have together before it changes what they may do there, and lets both see
-- that something did.
--
-- Locks: their conversations, in the order of their ids. Writes: participants (version).
-- Errors: INPUT_INVALID (422) for one and the same user, USER_NOT_FOUND (404).
create or replace function private.lock_shared_conversations(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation_ids uuid[];
begin
  if p_user_id = p_other_id then
    perform private.raise_input_invalid('user_id', 'not_yourself', 'This is your own id.');
  end if;
  if not exists (select from public.users as u where u.id = p_other_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  v_conversation_ids := array(
    select c.id
    from public.conversations as c
    where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
    order by c.id
    for no key update
  );
  update private.participants as p
  set version = p.version + 1
  where p.conversation_id = any (v_conversation_ids) and p.user_id = p_user_id;
end;
$$;

revoke all on function private.lock_shared_conversations(uuid, uuid)
from public, anon, authenticated, service_role;
