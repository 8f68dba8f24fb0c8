-- Notes which order Razorpay made for ours, after comparing what it says with what was asked for.
--
-- Args: our order; Razorpay's entity of it; what the client's checkout opens with, kept for the
-- brand owner's other devices; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order. Writes: payment_orders, and what
-- private.show_payment_order and private.conclude write.
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
  if v_order.id is null then
    v_outcome := 'unknown_order';
  elsif v_order.mode <> p_mode then
    v_outcome := 'mode_mismatch';
  else
    v_outcome := private.match_order(v_order, p_entity);
  end if;
  if v_outcome in ('mode_mismatch', 'order_mismatch') then
    perform private.conclude(
      v_outcome, v_order, null, v_order.id::text, 'app', null,
      jsonb_build_object('mode', p_mode, 'entity', p_entity - 'notes')
    );
  elsif v_outcome in ('attached', 'already_attached') then
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
security invoker
set search_path = ''
as $$
  select private.attach_payment_order(payment_order_id, entity, razorpay_config, mode);
$$;

revoke all on function private.attach_payment_order(uuid, jsonb, jsonb, text)
from public, anon, authenticated, service_role;
grant execute on function private.attach_payment_order(uuid, jsonb, jsonb, text) to service_role;
revoke all on function public.attach_payment_order(uuid, jsonb, jsonb, text)
from public, anon, authenticated, service_role;
grant execute on function public.attach_payment_order(uuid, jsonb, jsonb, text) to service_role;
