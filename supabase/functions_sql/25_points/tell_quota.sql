-- Tells a user's devices that the quota changed in a way worth showing.
--
-- Args: the account before and after. quota_changed goes out when points moved, and when a fifth
-- of the free messages is left, or none; the notices quota_low and points_low at the same two
-- marks of the free messages and of the balance after the newest credit.
-- Writes: notifications, push_outbox, realtime.messages. Events: quota_changed, notification.
create or replace function private.tell_quota(
  p_before private.accounts,
  p_after private.accounts
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_free_left constant integer := p_after.daily_free_limit - p_after.messages_sent_today;
  v_quota_low constant boolean := v_free_left in (0, p_after.daily_free_limit / 5)
    and (p_after.quota_date, p_after.messages_sent_today)
      <> (p_before.quota_date, p_before.messages_sent_today);
  v_points_low constant boolean := p_after.points_balance < p_before.points_balance and (
    p_after.points_balance < p_after.points_per_message
    or p_after.points_high / 5 between p_after.points_balance and p_before.points_balance - 1
  );
begin
  if v_quota_low or p_after.points_balance <> p_before.points_balance then
    perform private.broadcast(
      array['quota_changed'], array['user:' || p_after.user_id],
      array[private.quota_json(p_after)]
    );
  end if;
  if v_quota_low then
    perform private.notify(
      p_after.user_id, 'quota_low', null, null,
      jsonb_build_object('free_left', v_free_left)
    );
  end if;
  if v_points_low then
    perform private.notify(
      p_after.user_id, 'points_low', null, null,
      jsonb_build_object('points_balance', p_after.points_balance)
    );
  end if;
end;
$$;

revoke all on function private.tell_quota(private.accounts, private.accounts)
from public, anon, authenticated, service_role;
