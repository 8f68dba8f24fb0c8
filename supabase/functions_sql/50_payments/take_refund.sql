-- Takes what Razorpay says about a refund: one that we asked for goes on, any other is only noted.
-- No refund moves a deal that did not ask for it.
--
-- Args: our order, locked with its conversation; the refund as it was told; why it failed, where
-- that was told; who acts; the event.
-- Returns the verdict.
-- Writes: refunds, and what private.merge_refund, private.settle_refund, private.fail_refund,
-- private.end_bounce and private.conclude write.
create or replace function private.take_refund(
  p_order private.payment_orders,
  p_told private.payment_refunds,
  p_reason text,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_request constant private.refunds := private.find_refund_request(p_told);
  v_payment private.payments;
  v_outcome text := 'noop';
begin
  if private.merge_refund(p_told, v_request.id) then
    select p.* into v_payment from private.payments as p where p.payment_id = p_told.payment_id;
    v_outcome := case
      when p_told.status = 'failed' then 'refund_failed'
      when v_request.id is null then private.judge_refund(v_payment)
      when (v_request.amount_minor, v_request.currency) <> (p_told.amount_minor, p_told.currency)
        then 'refund_mismatch'
      -- Sent, and done by hand as well.
      when v_request.status <> 'requested' then 'refund_recorded'
      when p_told.status = 'processed' then 'refund_processed'
      else 'refund_pending'
    end;
    case v_outcome
      when 'refund_processed' then
        perform private.settle_refund(v_request, p_told.refund_id);
      when 'refund_pending' then
        update private.refunds as r
        set razorpay_refund_id = p_told.refund_id, failure = null
        where r.id = v_request.id;
      when 'refund_failed' then
        if v_request.status = 'requested' then
          perform private.fail_refund(v_request, p_reason);
        end if;
      else
        perform private.end_bounce(v_payment, p_told.refund_id);
    end case;
  end if;
  return private.conclude(
    v_outcome, p_order, p_told.payment_id, p_told.refund_id, p_actor, p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'refund_id', p_told.refund_id, 'amount_minor', p_told.amount_minor,
      'status', p_told.status, 'request_id', v_request.id,
      'reason', case when p_told.status = 'failed' then p_reason end
    ))
  );
end;
$$;

revoke all on function private.take_refund(
  private.payment_orders, private.payment_refunds, text, text, bigint
) from public, anon, authenticated, service_role;
