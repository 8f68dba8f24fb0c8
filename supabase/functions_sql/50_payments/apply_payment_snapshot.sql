-- Takes what Razorpay answered when it was asked about an order: the same facts as events bring,
-- and the same decision. Events of this order that were stored and not processed are taken too.
--
-- Args: our order; Razorpay's order (null: it has none); its payments, a list or Razorpay's
-- collection; who asked; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order; events that another session holds are passed over.
-- Writes: what private.take_snapshot and private.apply_event write.
-- Errors: INPUT_INVALID (422) for an order that is not there.
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
  v_verdict private.payment_verdict;
  v_next private.payment_verdict;
  v_event private.payment_events;
begin
  if v_order.id is null then
    perform private.raise_input_invalid('payment_order_id', 'known', 'There is no such order.');
  end if;
  v_verdict := private.take_snapshot(v_order, p_order_entity, p_payments, p_actor, p_mode);
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
    v_next := private.apply_event(v_event, p_actor);
    if v_verdict.outcome = 'noop' then
      v_verdict := v_next;
    end if;
  end loop;
  return (
    select jsonb_build_object(
      'outcome', v_verdict.outcome,
      'flow_state', (private.as_of_now(c)).flow_state,
      'conversation_id', c.id
    )
    from public.conversations as c
    where c.id = v_order.conversation_id
  );
end;
$$;

-- RPC: service only; takes Razorpay's answer about an order; returns `{outcome, flow_state,
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
security invoker
set search_path = ''
as $$
  select private.apply_payment_snapshot(payment_order_id, order_entity, payments, actor, mode);
$$;

revoke all on function private.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
to service_role;
revoke all on function public.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
to service_role;
