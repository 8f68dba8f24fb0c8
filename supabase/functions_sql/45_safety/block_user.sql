-- Stops all free text between the caller and another user, at once and in both directions, and does
-- in their deals what the flow says that blocking means there.
--
-- Definer: clients have no write grant on any table.
-- Locks: what private.lock_pair locks, so that a send either came before or finds the block.
-- Writes: blocks, participants, and what private.leave_deals writes.
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

-- RPC: stops messages between the caller and a user; returns `{user_id, blocked}`.
create or replace function public.block_user(user_id uuid)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.block_user(user_id);
$$;

revoke all on function private.block_user(uuid) from public, anon, authenticated, service_role;
grant execute on function private.block_user(uuid) to authenticated;
revoke all on function public.block_user(uuid) from public, anon, authenticated, service_role;
grant execute on function public.block_user(uuid) to authenticated;
