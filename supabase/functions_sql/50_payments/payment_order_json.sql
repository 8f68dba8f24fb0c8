-- An order as flow_data and action messages show it; without what Razorpay has not made yet.
create or replace function private.payment_order_json(p_order private.payment_orders)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'payment_order_id', p_order.id,
    'receipt', p_order.receipt,
    'amount_minor', p_order.amount_minor,
    'currency', p_order.currency,
    'razorpay_order_id', p_order.razorpay_order_id,
    'razorpay_config', p_order.checkout
  ));
end;
$$;

revoke all on function private.payment_order_json(private.payment_orders)
from public, anon, authenticated, service_role;
