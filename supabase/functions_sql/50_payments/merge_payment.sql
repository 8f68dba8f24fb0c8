-- Keeps what Razorpay says about a payment. Facts only move forward, so that it does not matter in
-- which order they arrive.
--
-- Args: our order, locked; the payment as it was told.
-- Returns whether it failed now and had not before.
-- Writes: payments.
create or replace function private.merge_payment(p_order_id uuid, p_told private.payments)
returns boolean
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_known private.payments;
  v_is_ahead boolean;
begin
  select p.* into v_known
  from private.payments as p
  where p.payment_id = p_told.payment_id;
  if not found then
    insert into private.payments (
      payment_id, payment_order_id, amount_minor, currency, status, method, captured_at,
      refunded_minor, fee_minor, error_code, error_reason
    )
    values (
      p_told.payment_id, p_order_id, p_told.amount_minor, p_told.currency, p_told.status,
      p_told.method, p_told.captured_at, p_told.refunded_minor, p_told.fee_minor,
      p_told.error_code, p_told.error_reason
    );
    return p_told.status = 'failed';
  end if;
  v_is_ahead := private.payment_rank(p_told.status) > private.payment_rank(v_known.status);
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
  return v_is_ahead and p_told.status = 'failed';
end;
$$;

revoke all on function private.merge_payment(uuid, private.payments)
from public, anon, authenticated, service_role;
