-- Charges one action of a user to the rate limit of that name (setting `rate_<action>`).
--
-- Sends have columns of their own in the account's row; see private.charge_send.
-- Locks, writes: the limit's row of rate_limits. Errors: RATE_LIMITED (429) `{retry_after}`.
create or replace function private.limit_rate(p_user_id uuid, p_action text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_limit constant jsonb := private.get_setting('rate_' || p_action);
begin
  insert into private.rate_limits as r (user_id, action, due_at)
  values (p_user_id, p_action, private.next_due('-infinity', v_limit))
  on conflict (user_id, action) do update set due_at = private.next_due(r.due_at, v_limit);
end;
$$;

revoke all on function private.limit_rate(uuid, text)
from public, anon, authenticated, service_role;
