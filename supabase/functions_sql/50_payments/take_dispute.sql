-- Takes what Razorpay says about a dispute of the payer's bank: keeps it, tells the deal, and puts
-- it on the operators' list.
--
-- Args: our order, locked with its conversation; the dispute as it was told; who acts; the event.
-- Returns the verdict.
-- Writes: payment_disputes, and what private.tell_dispute and private.conclude write.
create or replace function private.take_dispute(
  p_order private.payment_orders,
  p_told private.payment_disputes,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_dispute private.payment_disputes;
begin
  insert into private.payment_disputes as d (
    dispute_id, payment_id, amount_minor, currency, status, phase, reason_code, respond_by
  )
  values (
    p_told.dispute_id, p_told.payment_id, p_told.amount_minor, p_told.currency, p_told.status,
    p_told.phase, p_told.reason_code, p_told.respond_by
  )
  on conflict (dispute_id) do update
  set
    status = case
      when private.dispute_rank(excluded.status) > private.dispute_rank(d.status)
        then excluded.status
      else d.status
    end,
    phase = excluded.phase,
    respond_by = coalesce(excluded.respond_by, d.respond_by),
    updated_at = clock_timestamp()
  returning d.* into v_dispute;

  perform private.tell_dispute(v_dispute, p_order.conversation_id);
  return private.conclude(
    'dispute_recorded', p_order, v_dispute.payment_id, v_dispute.dispute_id, p_actor,
    p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'dispute_id', v_dispute.dispute_id, 'status', v_dispute.status, 'phase', v_dispute.phase,
      'reason_code', v_dispute.reason_code, 'amount_minor', v_dispute.amount_minor,
      'respond_by', v_dispute.respond_by
    ))
  );
end;
$$;

revoke all on function private.take_dispute(
  private.payment_orders, private.payment_disputes, text, bigint
) from public, anon, authenticated, service_role;
