-- Takes points from an account and enters them in the ledger; nothing happens for a price of 0.
--
-- Args: the locked account; the price; the most the user agrees to (null: any); what for; the
-- message, if it is one.
-- Returns the account as it is now. Writes: accounts, points_ledger.
-- Errors: POINTS_LIMIT (402) `{needed, max_points}`, INSUFFICIENT_POINTS (402) `{needed, balance,
-- resets_at}`.
create or replace function private.charge_points(
  p_account private.accounts,
  p_price integer,
  p_max_points integer,
  p_reason text,
  p_message_id uuid
)
returns private.accounts
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_account private.accounts := p_account;
begin
  if p_price > 0 then
    perform private.check_price(p_account, p_price, p_max_points);
    update private.accounts as a
    set points_balance = a.points_balance - p_price
    where a.user_id = p_account.user_id
    returning a.* into v_account;
    insert into private.points_ledger (user_id, delta, reason, balance_after, message_id)
    values (p_account.user_id, -p_price, p_reason, v_account.points_balance, p_message_id);
  end if;
  return v_account;
end;
$$;

revoke all on function private.charge_points(private.accounts, integer, integer, text, uuid)
from public, anon, authenticated, service_role;
