-- Tells a deal that an attempt to pay failed. The order stays open: banks may still say yes later.
--
-- Writes: what private.tell_deal writes.
create or replace function private.tell_failure(
  p_order private.payment_orders,
  p_payment private.payments
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.tell_deal(
    p_order.conversation_id, 'payment_failed',
    jsonb_strip_nulls(jsonb_build_object(
      'payment_id', p_payment.payment_id, 'reason', p_payment.error_reason
    ))
  );
end;
$$;

revoke all on function private.tell_failure(private.payment_orders, private.payments)
from public, anon, authenticated, service_role;
