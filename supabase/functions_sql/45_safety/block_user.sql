-- RPC: stops messages between the caller and a user; returns `{user_id, blocked}`.
create or replace function public.block_user(user_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.block_user(user_id);
$$;

-- Stops all free text between the caller and another user, at once and in both directions, and
-- takes the flow's step for a block in each of their deals.
--
-- Definer: clients have no write grant on any table.
-- Locks: as private.lock_pair, so that a send either came before or sees the block.
-- Writes: blocks, conversations (is_barred), participants, and as private.leave_deals.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for oneself, USER_NOT_FOUND (404).
create or replace function private.block_user(p_user_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  perform private.lock_pair(v_me, p_user_id);
  perform private.leave_deals(v_me, p_user_id);
  insert into public.blocks (blocker_id, blocked_id)
  values (v_me, p_user_id)
  on conflict (blocker_id, blocked_id) do nothing;
  perform private.touch_pair(v_me, p_user_id);
  return json_build_object('user_id', p_user_id, 'blocked', true);
end;
$$;

-- RPC: ends a block by the caller; returns `{user_id, blocked}`.
create or replace function public.unblock_user(user_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.unblock_user(user_id);
$$;

-- Ends the caller's block of a user; a block by the other side stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: as private.lock_pair, so that a send either came before or sees no block.
-- Writes: blocks, conversations (is_barred), participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for oneself, USER_NOT_FOUND (404).
create or replace function private.unblock_user(p_user_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  perform private.lock_pair(v_me, p_user_id);
  delete from public.blocks as b where b.blocker_id = v_me and b.blocked_id = p_user_id;
  perform private.touch_pair(v_me, p_user_id);
  return json_build_object('user_id', p_user_id, 'blocked', false);
end;
$$;

-- Locks the shared rows of two users before a block between them begins or ends: any other call of
-- them there comes before it or after it.
--
-- The other user's account is not locked, so the caller does not wait for that user's other calls.
-- The lock of the caller's account stops users who open a conversation with the caller
-- (private.lock_peer).
-- Locks: the caller's account, then the conversations of the two, then their rows of
-- private.participants, each in the order of their ids.
-- Errors: INPUT_INVALID (422) for one and the same user, USER_NOT_FOUND (404).
create or replace function private.lock_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_user_id = p_other_id then
    perform private.raise_input_invalid('user_id', 'not_yourself', 'This is your own id.');
  end if;
  if not exists (select from public.users as u where u.id = p_other_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  perform 1 from private.accounts as a where a.user_id = p_user_id for update;
  perform 1 from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  order by c.id
  for no key update;
  perform 1 from private.participants as p
  where p.conversation_id in (
    select c.id
    from private.conversations as c
    where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  )
  order by p.conversation_id, p.user_id
  for no key update;
end;
$$;

-- Raises the versions of two users' conversations, so that their clients see the block or its end.
--
-- Locks: private.lock_pair has locked the rows already. Writes: participants.
create or replace function private.touch_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.participants as p
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1
  from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and p.conversation_id = c.id;
end;
$$;

grant execute on function private.block_user(uuid) to authenticated;
grant execute on function public.block_user(uuid) to authenticated;
grant execute on function private.unblock_user(uuid) to authenticated;
grant execute on function public.unblock_user(uuid) to authenticated;
