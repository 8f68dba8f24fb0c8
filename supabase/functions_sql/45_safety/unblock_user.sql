-- Takes the caller's own block of a user back; a block by the other side stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: both accounts, so that a send either came before or finds the block. Writes: blocks,
-- participants.
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

-- RPC: takes a block of the caller back; returns `{user_id, blocked}`.
create or replace function public.unblock_user(user_id uuid)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.unblock_user(user_id);
$$;

revoke all on function private.unblock_user(uuid) from public, anon, authenticated, service_role;
grant execute on function private.unblock_user(uuid) to authenticated;
revoke all on function public.unblock_user(uuid) from public, anon, authenticated, service_role;
grant execute on function public.unblock_user(uuid) to authenticated;
