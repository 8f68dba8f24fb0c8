-- What a refund that nobody asked us for means: of money in the books, of money that no deal took,
-- or of a payment that never came in.
create or replace function private.judge_refund(p_payment private.payments)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return case
    when exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway' and e.payment_id = p_payment.payment_id
    ) then 'refund_recorded'
    -- private.settle_order says what that means.
    when p_payment.captured_at is not null then 'noop'
    else 'uncaptured_refund'
  end;
end;
$$;

revoke all on function private.judge_refund(private.payments)
from public, anon, authenticated, service_role;
