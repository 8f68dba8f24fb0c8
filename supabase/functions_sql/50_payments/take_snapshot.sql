-- Keeps what Razorpay answered about an order, and decides.
--
-- Args: the order, locked with its conversation; Razorpay's order and payments; who asked; in which
-- mode.
-- Returns the verdict.
-- Writes: payment_orders, and what private.merge_payment, private.tell_failure,
-- private.settle_order and private.conclude write.
create or replace function private.take_snapshot(
  p_order private.payment_orders,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
  p_mode text
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_order private.payment_orders := p_order;
  v_told private.provider_order;
  v_entity jsonb;
  v_payments private.payments[] := array[]::private.payments[];
  v_payment private.payments;
  v_error text;
begin
  begin
    v_told := private.read_order(p_order_entity);
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
        v_error := 'a payment of another order';
      end if;
      v_payments := v_payments || private.read_payment(v_entity);
    end loop;
  exception
    when data_exception then
      v_error := left(sqlstate || ': ' || sqlerrm, 200);
  end;
  if v_error is not null then
    return private.conclude(
      'malformed', v_order, null, v_order.id::text, p_actor, null,
      jsonb_build_object('error', v_error)
    );
  end if;
  if v_order.mode <> p_mode then
    return private.conclude(
      'mode_mismatch', v_order, null, v_order.id::text, p_actor, null,
      jsonb_build_object('mode', p_mode)
    );
  end if;
  if v_told.razorpay_order_id is null then
    return private.conclude('noop', v_order, null, null, p_actor, null, '{}');
  end if;
  if v_told.razorpay_order_id <> coalesce(v_order.razorpay_order_id, v_told.razorpay_order_id)
    or v_order.razorpay_order_id is null
      and private.match_order(v_order, p_order_entity) = 'order_mismatch' then
    return private.conclude(
      'order_mismatch', v_order, null, v_order.id::text, p_actor, null,
      jsonb_build_object('told', v_told.razorpay_order_id)
    );
  end if;
  update private.payment_orders as o
  set razorpay_order_id = v_told.razorpay_order_id, updated_at = clock_timestamp()
  where o.id = v_order.id and o.razorpay_order_id is null;
  v_order.razorpay_order_id := v_told.razorpay_order_id;
  foreach v_payment in array v_payments loop
    if private.merge_payment(v_order.id, v_payment) then
      perform private.tell_failure(v_order, v_payment);
    end if;
  end loop;
  return private.settle_order(v_order, v_told, p_actor, null);
end;
$$;

revoke all on function private.take_snapshot(private.payment_orders, jsonb, jsonb, text, text)
from public, anon, authenticated, service_role;
