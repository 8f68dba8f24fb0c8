-- Facts about a payment only move forward, so that it does not matter in which order they arrive.

-- Stores what Razorpay says about a payment. A payment that failed now and had not before is told
-- to the deal; its order stays open: banks may still say yes later. A payment that the bank has
-- approved and Razorpay has not captured is shown, and Pay is not offered meanwhile.
--
-- Args: our order, its conversation locked; the payment as it was told.
-- Locks: the conversation must be locked already. Writes: payments, and what
-- private.show_authorization and private.tell_deal write.
create or replace function private.merge_payment(
  p_order private.payment_orders,
  p_told private.payments
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_known_status text;
  v_is_ahead boolean;
begin
  select p.status into v_known_status
  from private.payments as p
  where p.payment_id = p_told.payment_id;
  if not found then
    v_is_ahead := true;
    insert into private.payments (
      payment_id, payment_order_id, amount_minor, currency, status, method, captured_at,
      refunded_minor, fee_minor, error_code, error_reason
    )
    values (
      p_told.payment_id, p_order.id, p_told.amount_minor, p_told.currency, p_told.status,
      p_told.method, p_told.captured_at, p_told.refunded_minor, p_told.fee_minor,
      p_told.error_code, p_told.error_reason
    );
  else
    v_is_ahead := private.payment_rank(p_told.status) > private.payment_rank(v_known_status);
    update private.payments as p
    set
      status = case when v_is_ahead then p_told.status else p.status end,
      method = coalesce(p_told.method, p.method),
      captured_at = coalesce(p.captured_at, p_told.captured_at),
      refunded_minor = greatest(p.refunded_minor, p_told.refunded_minor),
      fee_minor = coalesce(p_told.fee_minor, p.fee_minor),
      error_code = case when v_is_ahead then p_told.error_code else p.error_code end,
      error_reason = case when v_is_ahead then p_told.error_reason else p.error_reason end,
      updated_at = clock_timestamp()
    where p.payment_id = p_told.payment_id;
  end if;
  if v_is_ahead and p_told.status = 'authorized' and p_order.status = 'open' then
    perform private.show_authorization(p_order.conversation_id);
  elsif v_is_ahead and p_told.status = 'failed' then
    perform private.tell_deal(
      p_order.conversation_id, 'payment_failed',
      jsonb_strip_nulls(jsonb_build_object(
        'payment_id', p_told.payment_id, 'reason', p_told.error_reason
      ))
    );
  end if;
end;
$$;

-- How far a payment's status is; null for one that is not known. A failure may still be followed by
-- an authorization: banks answer late.
--
-- Source: https://razorpay.com/docs/payments/payments/late-authorisation
create or replace function private.payment_rank(p_status text)
returns integer
language plpgsql
immutable
set search_path = ''
as $$
begin
  return array_position(
    array['created', 'failed', 'authorized', 'captured', 'refunded'], p_status
  );
end;
$$;
