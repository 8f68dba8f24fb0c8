-- Finds the open order of a deal for its present price, or makes one. An order for another price,
-- currency or mode is superseded; a later payment for it is refunded.
--
-- Locks: the conversation's row must be locked already. Writes: payment_orders.
create or replace function private.claim_payment_order(
  p_conversation private.conversations,
  p_at timestamptz
)
returns private.payment_orders
language plpgsql
set search_path = ''
as $$
declare
  v_mode constant text := private.get_setting('payment_mode') #>> '{}';
  v_order private.payment_orders;
begin
  update private.payment_orders as o
  set status = 'superseded', updated_at = p_at
  where o.conversation_id = p_conversation.id
    and o.status = 'open'
    and (o.amount_minor, o.currency, o.mode)
      <> (p_conversation.amount_minor, p_conversation.currency, v_mode);
  insert into private.payment_orders (conversation_id, amount_minor, currency, mode, created_at)
  values (
    p_conversation.id, p_conversation.amount_minor, p_conversation.currency, v_mode, p_at
  )
  on conflict (conversation_id) where status = 'open' do nothing;
  select o.* into v_order
  from private.payment_orders as o
  where o.conversation_id = p_conversation.id and o.status = 'open';
  return v_order;
end;
$$;

-- Whether a payment of a deal is approved by the bank and not captured yet.
create or replace function private.awaits_capture(p_conversation_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_orders as o
    join private.payments as p on p.payment_order_id = o.id
    where o.conversation_id = p_conversation_id
      and o.status = 'open'
      and p.status = 'authorized'
      and p.captured_at is null
  );
end;
$$;

-- Refuses to ask for a payment while one is approved and not captured yet.
--
-- Errors: PAYMENT_NOT_READY (409).
create or replace function private.refuse_second_payment(p_conversation_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.awaits_capture(p_conversation_id) then
    perform private.raise_error(
      'PAYMENT_NOT_READY', 'Your bank has approved a payment, which is being confirmed.',
      p_status => 409, p_hint => 'Wait for it: nobody has to pay twice.'
    );
  end if;
end;
$$;

-- An order as flow_data and action messages show it; without Razorpay's part until Razorpay has
-- made it.
create or replace function private.payment_order_json(p_order private.payment_orders)
returns jsonb
language plpgsql
stable
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
