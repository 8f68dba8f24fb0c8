-- Razorpay's answer about an order: the same facts as in events, and the same decision.

-- RPC: service only; applies Razorpay's answer about an order; returns `{outcome, flow_state,
-- conversation_id}`.
create or replace function public.apply_payment_snapshot(
  payment_order_id uuid,
  order_entity jsonb,
  payments jsonb,
  actor text default 'reconcile',
  mode text default 'test'
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.apply_payment_snapshot(payment_order_id, order_entity, payments, actor, mode);
$$;

-- Stores Razorpay's answer, settles, and applies the stored events of this order that are not
-- processed.
--
-- Args: our order; Razorpay's order (null: it has none); its payments, a list or Razorpay's
-- collection; the actor; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order; it skips events that another session has locked.
-- Writes: as private.take_snapshot and private.apply_event.
-- Errors: INPUT_INVALID (422) for an unknown order.
create or replace function private.apply_payment_snapshot(
  p_payment_order_id uuid,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
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
  v_event private.payment_events;
  v_outcome text;
begin
  if v_order.id is null then
    perform private.raise_input_invalid('payment_order_id', 'known', 'There is no such order.');
  end if;
  v_outcome := private.take_snapshot(v_order, p_order_entity, p_payments, p_actor, p_mode);
  for v_event in
    select e.*
    from private.payment_events as e
    where e.razorpay_order_id = (
        select o.razorpay_order_id from private.payment_orders as o where o.id = v_order.id
      )
      and e.status = 'received'
    order by e.id
    for update skip locked
  loop
    v_event := private.apply_event(v_event, p_actor);
    if v_outcome = 'noop' then
      v_outcome := v_event.outcome;
    end if;
  end loop;
  return (
    select jsonb_build_object(
      'outcome', v_outcome,
      'flow_state', (private.as_of_now(c)).flow_state,
      'conversation_id', c.id
    )
    from private.conversations as c
    where c.id = v_order.conversation_id
  );
end;
$$;

-- Reads Razorpay's order and payments, stores the facts, and settles.
--
-- Args: the order, locked with its conversation; the others as private.apply_payment_snapshot.
-- Returns the outcome.
-- Writes: payment_orders, and as private.merge_payment, private.settle_order and private.conclude.
create or replace function private.take_snapshot(
  p_order private.payment_orders,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
  p_mode text
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_order private.payment_orders := p_order;
  v_told private.payment_orders;
  v_entity jsonb;
  v_payments private.payments[] := array[]::private.payments[];
  v_payment private.payments;
  v_outcome text;
  v_error text;
begin
  begin
    if coalesce(p_order_entity, 'null') <> 'null' then
      v_told := private.read_order(p_order_entity);
    end if;
    for v_entity in
      select told.entity
      from jsonb_array_elements(
        case jsonb_typeof(p_payments)
          when 'array' then p_payments
          when 'object' then p_payments -> 'items'
          else '[]'
        end
      ) as told (entity)
    loop
      if v_entity ->> 'order_id' is distinct from v_told.razorpay_order_id then
        raise exception 'a payment of another order' using errcode = 'invalid_parameter_value';
      end if;
      v_payments := v_payments || private.read_payment(v_entity);
    end loop;
  exception
    when data_exception then
      v_error := left(sqlstate || ': ' || sqlerrm, 200);
  end;
  v_outcome := case
    when v_error is not null then 'malformed'
    when v_order.mode <> p_mode then 'mode_mismatch'
    when v_told.razorpay_order_id is null then 'noop'
    when v_told.razorpay_order_id <> v_order.razorpay_order_id then 'order_mismatch'
    when v_order.razorpay_order_id is null and not private.is_our_order(v_order, p_order_entity)
      then 'order_mismatch'
  end;
  if v_outcome is not null then
    perform private.conclude(
      v_outcome, v_order, null, v_order.id::text, p_actor, null,
      jsonb_strip_nulls(jsonb_build_object(
        'mode', p_mode, 'told', v_told.razorpay_order_id, 'error', v_error
      ))
    );
    return v_outcome;
  end if;
  if v_order.razorpay_order_id is null then
    update private.payment_orders as o
    set razorpay_order_id = v_told.razorpay_order_id, updated_at = clock_timestamp()
    where o.id = v_order.id
    returning o.* into v_order;
  end if;
  foreach v_payment in array v_payments loop
    perform private.merge_payment(v_order, v_payment);
  end loop;
  return private.settle_order(v_order, v_told, p_actor, null);
end;
$$;

grant execute on function
  public.apply_payment_snapshot(uuid, jsonb, jsonb, text, text),
  private.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
to service_role;
