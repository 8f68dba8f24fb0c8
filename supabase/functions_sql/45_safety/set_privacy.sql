-- Decides whether others see the caller's last visit and read marks. Null: unchanged.
--
-- A user who hides read marks does not see those of others either.
-- Definer: accounts are private.
-- Locks, writes: accounts (the caller's), and as private.touch_conversations.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.set_privacy(
  p_last_seen boolean,
  p_read_receipts boolean
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_account private.accounts;
begin
  perform private.lock_account(v_me);
  -- The lock stops users who open a conversation with the caller, as in private.lock_pair.
  perform 1 from private.accounts as a where a.user_id = v_me for update;
  update private.accounts as a
  set
    shares_last_seen = coalesce(p_last_seen, a.shares_last_seen),
    shares_read_receipts = coalesce(p_read_receipts, a.shares_read_receipts)
  where a.user_id = v_me
  returning a.* into v_account;
  perform private.touch_conversations(v_me);
  return json_build_object(
    'last_seen', v_account.shares_last_seen, 'read_receipts', v_account.shares_read_receipts
  );
end;
$$;

-- RPC: shows or hides the caller's last visit and read marks; returns
-- `{last_seen, read_receipts}`.
create or replace function public.set_privacy(
  last_seen boolean default null,
  read_receipts boolean default null
)
returns json
language sql
set search_path = ''
as $$
  select private.set_privacy(last_seen, read_receipts);
$$;

grant execute on function private.set_privacy(boolean, boolean) to authenticated;
grant execute on function public.set_privacy(boolean, boolean) to authenticated;
