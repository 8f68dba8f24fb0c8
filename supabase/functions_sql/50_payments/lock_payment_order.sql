-- Locks an order with its conversation and returns it; nulls when there is none.
--
-- Locks: the conversation, then the order.
create or replace function private.lock_payment_order(p_payment_order_id uuid)
returns private.payment_orders
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  perform 1 from public.conversations as c
  where c.id = (
    select o.conversation_id from private.payment_orders as o where o.id = p_payment_order_id
  )
  for no key update;
  select o.* into v_order
  from private.payment_orders as o
  where o.id = p_payment_order_id
  for update;
  return v_order;
end;
$$;

revoke all on function private.lock_payment_order(uuid)
from public, anon, authenticated, service_role;
