-- Says what something came to: puts it into the audit and on the operators' list where it belongs.
--
-- Args: the outcome, one of private.payment_outcomes; our order (nulls: unknown); Razorpay's
-- payment; what makes two causes the same; who acts; the event (null: an answer of Razorpay); more
-- to know.
-- Returns the verdict. Writes: alerts, payment_audit.
create or replace function private.conclude(
  p_outcome text,
  p_order private.payment_orders,
  p_payment_id text,
  p_subject text,
  p_actor text,
  p_event_row_id bigint,
  p_details jsonb
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_verdict private.payment_verdict;
  v_kind record;
begin
  select o.* into strict v_kind
  from private.payment_outcomes() as o
  where o.outcome = p_outcome;
  if v_kind.severity is not null then
    perform private.open_alert(
      p_outcome, v_kind.severity, concat_ws(':', p_outcome, p_subject),
      p_order.conversation_id, p_details, p_event_row_id, p_order.razorpay_order_id, p_payment_id
    );
  end if;
  if v_kind.is_audited then
    insert into private.payment_audit (
      actor, action, conversation_id, payment_order_id, event_row_id, details
    )
    values (
      p_actor, p_outcome, p_order.conversation_id, p_order.id, p_event_row_id,
      p_details || jsonb_strip_nulls(jsonb_build_object('payment_id', p_payment_id))
    );
  end if;
  v_verdict.outcome := p_outcome;
  v_verdict.status := v_kind.status;
  v_verdict.payment_order := p_order;
  v_verdict.razorpay_payment_id := p_payment_id;
  return v_verdict;
end;
$$;

revoke all on function private.conclude(
  text, private.payment_orders, text, text, text, bigint, jsonb
) from public, anon, authenticated, service_role;
