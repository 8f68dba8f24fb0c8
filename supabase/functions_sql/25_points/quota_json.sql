-- An account's quota as clients get it: `{daily_free_limit, used_today, free_left,
-- points_per_message, points_balance, resets_at, timezone}`.
create or replace function private.quota_json(p_account private.accounts)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_timezone constant text := private.get_setting('quota_timezone') #>> '{}';
  -- A day that was counted is never left again, whatever zone an operator sets.
  v_day constant date := greatest(
    (now() at time zone v_timezone)::date, p_account.quota_date
  );
  v_used constant integer := case
    when p_account.quota_date = v_day then p_account.messages_sent_today
    else 0
  end;
begin
  return jsonb_build_object(
    'daily_free_limit', p_account.daily_free_limit,
    'used_today', v_used,
    'free_left', greatest(p_account.daily_free_limit - v_used, 0),
    'points_per_message', p_account.points_per_message,
    'points_balance', p_account.points_balance,
    'resets_at', (v_day + 1)::timestamp at time zone v_timezone,
    'timezone', v_timezone
  );
end;
$$;

revoke all on function private.quota_json(private.accounts)
from public, anon, authenticated, service_role;
