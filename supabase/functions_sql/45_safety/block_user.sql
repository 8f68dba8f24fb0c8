-- RPC: stops messages between the caller and a user; returns `{user_id, blocked}`.
create or replace function public.block_user(user_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.block_user(user_id);
$$;

-- Stops all free text between the caller and another user, at once and in both directions. In each
-- of their deals it takes the step that the flow names for a block.
--
-- Definer: clients have no write grant on any table.
-- Locks: what private.lock_pair locks, so that a send either came before or finds the block.
-- Writes: blocks, conversations (is_barred), participants, and what private.leave_deals writes.
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

-- RPC: takes a block of the caller back; returns `{user_id, blocked}`.
create or replace function public.unblock_user(user_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.unblock_user(user_id);
$$;

-- Takes the caller's own block of a user back; a block by the other side stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: what private.lock_pair locks, so that a send either came before or finds it gone.
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

-- Locks all that two users have together before one of them changes what they may do to each other:
-- what either of them does there comes before it or after it.
--
-- The other's account is not locked, so the caller does not wait for what that user does elsewhere.
-- The caller's own is, against users who open a conversation with the caller (private.lock_peer).
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

-- Lets two users see, by the versions of their conversations, that what they may do to each other
-- has changed.
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
    shared_version = p.shared_version + 1,
    typing_until = null
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
