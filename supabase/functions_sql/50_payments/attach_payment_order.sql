-- Attaching Razorpay's order to ours.

-- RPC: service only; attaches Razorpay's order; returns `{outcome, payment_order_id,
-- razorpay_order_id}`; outcome: attached, already_attached, order_mismatch, mode_mismatch,
-- order_closed, unknown_order.
create or replace function public.attach_payment_order(
  payment_order_id uuid,
  entity jsonb,
  razorpay_config jsonb default null,
  mode text default 'test'
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.attach_payment_order(payment_order_id, entity, razorpay_config, mode);
$$;

-- Stores Razorpay's order for ours, after comparing the two.
--
-- Args: our order; Razorpay's entity of it; the settings of the checkout, kept for the brand
-- owner's other devices; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order. Writes: payment_orders, and as
-- private.show_payment_order and private.conclude.
create or replace function private.attach_payment_order(
  p_payment_order_id uuid,
  p_entity jsonb,
  p_razorpay_config jsonb,
  p_mode text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_order private.payment_orders := private.lock_payment_order(p_payment_order_id);
  v_outcome text;
begin
  v_outcome := case
    when v_order.id is null then 'unknown_order'
    when v_order.mode <> p_mode then 'mode_mismatch'
    when not private.is_our_order(v_order, p_entity) then 'order_mismatch'
    when v_order.razorpay_order_id is null then 'attached'
    else 'already_attached'
  end;
  if v_outcome in ('mode_mismatch', 'order_mismatch') then
    perform private.conclude(
      v_outcome, v_order, null, v_order.id::text, 'app', null,
      jsonb_build_object('mode', p_mode, 'entity', p_entity - 'notes')
    );
  elsif v_outcome <> 'unknown_order' then
    update private.payment_orders as o
    set
      razorpay_order_id = coalesce(o.razorpay_order_id, p_entity ->> 'id'),
      checkout = coalesce(
        p_razorpay_config - 'prefill'
          || jsonb_build_object('order_id', coalesce(o.razorpay_order_id, p_entity ->> 'id')),
        o.checkout
      ),
      updated_at = clock_timestamp()
    where o.id = v_order.id
    returning o.* into v_order;
    if v_order.status = 'open' then
      perform private.show_payment_order(
        v_order.conversation_id, v_order,
        p_razorpay_config || jsonb_build_object('order_id', v_order.razorpay_order_id)
      );
    else
      v_outcome := 'order_closed';
    end if;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'payment_order_id', p_payment_order_id,
    'razorpay_order_id', v_order.razorpay_order_id
  );
end;
$$;

-- Locks an order with its conversation and returns it; nulls for an unknown one.
--
-- Locks: the conversation, then the order.
create or replace function private.lock_payment_order(p_payment_order_id uuid)
returns private.payment_orders
language plpgsql
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  perform 1 from private.conversations as c
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

-- Whether Razorpay's entity matches our order.
create or replace function private.is_our_order(p_order private.payment_orders, p_entity jsonb)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_told private.payment_orders;
begin
  v_told := private.read_order(p_entity);
  return (v_told.receipt, v_told.amount_minor, v_told.currency)
    is not distinct from (p_order.receipt, p_order.amount_minor, p_order.currency);
exception
  when data_exception then
    return false;
end;
$$;

grant execute on function
  public.attach_payment_order(uuid, jsonb, jsonb, text),
  private.attach_payment_order(uuid, jsonb, jsonb, text)
to service_role;
