-- Charges one message to its sender: to the free ones of the day first, to the points after that.
--
-- Args: the account as lock_account returned it; the most points the sender agrees to pay (null:
-- any); the message.
-- Returns the account as it is now. Writes: accounts, points_ledger, and what tell_quota writes.
-- Events: quota_changed and a notice when the free messages or the points run low.
-- Errors: RATE_LIMITED (429) `{retry_after}`, POINTS_LIMIT (402) `{needed, max_points}`,
-- INSUFFICIENT_POINTS (402) `{needed, balance, resets_at}`.
create or replace function private.charge_send(
  p_account private.accounts,
  p_max_points integer,
  p_message_id uuid
)
returns private.accounts
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_day constant date := greatest(private.quota_day(), p_account.quota_date);
  v_used constant integer := case
    when p_account.quota_date = v_day then p_account.messages_sent_today
    else 0
  end;
  v_price constant integer := case
    when v_used < p_account.daily_free_limit then 0
    else p_account.points_per_message
  end;
  v_account private.accounts;
begin
  update private.accounts as a
  set
    quota_date = v_day,
    messages_sent_today = v_used + 1,
    send_due_at = private.next_due(a.send_due_at, private.get_setting('rate_send')),
    send_long_due_at = private.next_due(
      a.send_long_due_at, private.get_setting('rate_send_long')
    ),
    last_seen_at = now()
  where a.user_id = p_account.user_id
  returning a.* into v_account;
  v_account := private.charge_points(v_account, v_price, p_max_points, 'message', p_message_id);
  perform private.tell_quota(p_account, v_account);
  return v_account;
end;
$$;

revoke all on function private.charge_send(private.accounts, integer, uuid)
from public, anon, authenticated, service_role;
