-- Our order that Razorpay speaks of: by its id, else by the receipt that we gave it, when
-- Razorpay's answer to us was lost. Nulls: not ours.
--
-- Returns the order, locked. Locks: the conversation, then the order. Writes: payment_orders (an
-- order that is found by its receipt gets its id).
create or replace function private.find_payment_order(
  p_razorpay_order_id text,
  p_told private.provider_order,
  p_mode text
)
returns private.payment_orders
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  select o.* into v_order
  from private.payment_orders as o
  where o.razorpay_order_id = p_razorpay_order_id;
  if not found then
    select o.* into v_order
    from private.payment_orders as o
    where o.razorpay_order_id is null
      and p_told.razorpay_order_id = p_razorpay_order_id
      and (o.receipt, o.amount_minor, o.currency, o.mode)
        = (p_told.receipt, p_told.amount_minor, p_told.currency, p_mode);
  end if;
  if not found then
    return null;
  end if;
  perform private.lock_conversation(v_order.conversation_id, null);
  update private.payment_orders as o
  set
    razorpay_order_id = coalesce(o.razorpay_order_id, p_razorpay_order_id),
    updated_at = case
      when o.razorpay_order_id is null then clock_timestamp()
      else o.updated_at
    end
  where o.id = v_order.id
  returning o.* into v_order;
  return v_order;
end;
$$;

revoke all on function private.find_payment_order(text, private.provider_order, text)
from public, anon, authenticated, service_role;
