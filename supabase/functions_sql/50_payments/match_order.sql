-- Whether Razorpay's entity is the order that we asked for: attached, already_attached or
-- order_mismatch.
create or replace function private.match_order(p_order private.payment_orders, p_entity jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_told private.provider_order;
begin
  v_told := private.read_order(p_entity);
  return case
    when (v_told.receipt, v_told.amount_minor, v_told.currency)
      is distinct from (p_order.receipt, p_order.amount_minor, p_order.currency)
      then 'order_mismatch'
    when p_order.razorpay_order_id is null then 'attached'
    else 'already_attached'
  end;
exception
  when data_exception then
    return 'order_mismatch';
end;
$$;

revoke all on function private.match_order(private.payment_orders, jsonb)
from public, anon, authenticated, service_role;
