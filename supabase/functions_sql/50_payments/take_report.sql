-- Takes what an event says about an order of ours: keeps the facts, then decides.
--
-- Args: the order, locked with its conversation; the report; who acts; the event.
-- Returns the verdict.
-- Writes: what private.merge_payment, private.tell_failure, private.settle_order,
-- private.take_refund and private.take_dispute write.
create or replace function private.take_report(
  p_order private.payment_orders,
  p_report private.payment_report,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_payment constant private.payments := p_report.payment;
  v_settled private.payment_verdict;
  v_verdict private.payment_verdict;
begin
  if private.merge_payment(p_order.id, v_payment) then
    perform private.tell_failure(p_order, v_payment);
  end if;
  -- Before money is sent back below: what was given back already answers no such request.
  if (p_report.refund).refund_id is not null then
    v_verdict := private.take_refund(
      p_order, p_report.refund, v_payment.error_reason, p_actor, p_event_row_id
    );
  end if;
  v_settled := private.settle_order(
    p_order, p_report.provider_order, p_actor, p_event_row_id
  );
  -- After it: a bank disputes money that is held.
  if (p_report.dispute).dispute_id is not null then
    v_verdict := private.take_dispute(p_order, p_report.dispute, p_actor, p_event_row_id);
  end if;
  return case
    when v_verdict.outcome is null or v_settled.outcome <> 'noop' then v_settled
    else v_verdict
  end;
end;
$$;

revoke all on function private.take_report(
  private.payment_orders, private.payment_report, text, bigint
) from public, anon, authenticated, service_role;
