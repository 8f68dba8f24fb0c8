-- Books one payment whose money came in and is in no book yet: the deal moves on, or the money goes
-- back.
--
-- Args: the conversation, locked, with nothing due; the order, locked; the payment; the order as
-- Razorpay told of it; who acts; the event.
-- Returns the verdict.
-- Writes: what private.tell_deal, private.retire_order and private.conclude write.
create or replace function private.settle_payment(
  p_conversation public.conversations,
  p_order private.payment_orders,
  p_payment private.payments,
  p_told private.provider_order,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_left constant bigint := p_payment.amount_minor - p_payment.refunded_minor;
  v_outcome text;
  v_fact text := 'payment_captured';
  v_refusal text;
begin
  -- What was ordered before the project went live, or back, pays for nothing any more.
  if p_order.mode <> private.get_setting('payment_mode') #>> '{}' then
    return private.conclude(
      'mode_mismatch', p_order, p_payment.payment_id, p_payment.payment_id, p_actor,
      p_event_row_id, jsonb_build_object('mode', p_order.mode)
    );
  end if;
  if v_left <= 0 then
    perform private.retire_order(p_order);
    return private.conclude(
      case when p_order.status = 'open' then 'refunded_before_completion' else 'noop' end,
      p_order, p_payment.payment_id, p_payment.payment_id, p_actor, p_event_row_id,
      jsonb_build_object('amount_minor', p_payment.amount_minor)
    );
  end if;
  v_outcome := private.judge_payment(p_conversation, p_order, p_payment, p_told);
  -- Where the deal still waits for a payment, one that does not fit has a row of its own.
  if v_outcome <> 'applied' and exists (
    select from private.flow_transitions as t
    where t.flow_id = p_conversation.flow_id
      and t.from_state = p_conversation.flow_state
      and t.action = 'payment_mismatch'
  ) then
    v_fact := 'payment_mismatch';
  end if;
  v_refusal := private.tell_deal(
    p_conversation.id, v_fact,
    jsonb_build_object(
      'payment_id', p_payment.payment_id,
      'amount_minor', case when v_outcome = 'applied' then p_order.amount_minor else v_left end,
      'currency', p_payment.currency
    )
  );
  if v_refusal is not null then
    v_outcome := 'captured_out_of_flow';
  elsif v_outcome <> 'applied' then
    perform private.retire_order(p_order);
  end if;
  return private.conclude(
    v_outcome, p_order, p_payment.payment_id, p_payment.payment_id, p_actor, p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'amount_minor', p_payment.amount_minor, 'currency', p_payment.currency,
      'asked_minor', p_order.amount_minor, 'refunded_minor', p_payment.refunded_minor,
      'fee_minor', p_payment.fee_minor, 'flow_state', p_conversation.flow_state,
      'refusal', v_refusal
    ))
  );
end;
$$;

revoke all on function private.settle_payment(
  public.conversations, private.payment_orders, private.payments, private.provider_order, text,
  bigint
) from public, anon, authenticated, service_role;
