-- Ends the request to send a payment back that a person has sent back whole, at once or in parts.
--
-- Args: the payment as it is now, its conversation locked; the refund that made it whole.
-- Writes: what private.settle_bounce writes.
create or replace function private.end_bounce(p_payment private.payments, p_refund_id text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_request private.refunds;
begin
  select r.* into v_request
  from private.refunds as r
  where r.payment_id = p_payment.payment_id and r.kind = 'bounce' and r.status = 'requested'
  for update;
  if found and p_payment.refunded_minor >= p_payment.amount_minor then
    perform private.settle_bounce(v_request, p_refund_id);
  end if;
end;
$$;

revoke all on function private.end_bounce(private.payments, text)
from public, anon, authenticated, service_role;
