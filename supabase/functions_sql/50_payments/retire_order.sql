-- Ends an order that cannot be paid any more: Razorpay takes no second payment on it. The next
-- press on Pay makes a new one.
--
-- Locks: the conversation's row must be locked already.
-- Writes: payment_orders, and what private.show_payment_order writes.
create or replace function private.retire_order(p_order private.payment_orders)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.payment_orders as o
  set status = 'superseded', updated_at = clock_timestamp()
  where o.id = p_order.id and o.status = 'open';
  if found then
    perform private.show_payment_order(p_order.conversation_id, null, null);
  end if;
end;
$$;

revoke all on function private.retire_order(private.payment_orders)
from public, anon, authenticated, service_role;
