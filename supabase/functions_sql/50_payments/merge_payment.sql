-- Facts about a payment only move forward, so their order of arrival does not matter.

-- Stores Razorpay's facts about a payment. The deal is told when a payment has just failed, or was
-- given back before it was captured; its order stays open, because the bank may still approve it.
-- While a payment is approved and not captured, the action message says so and does not offer Pay.
--
-- Args: our order, its conversation locked; the payment as Razorpay reported it. Returns whether
-- the order has captured money that is not booked yet.
-- Locks: the conversation must be locked already. Writes: payments, and as
-- private.show_authorization and private.tell_deal.
-- Source of the order of statuses:
-- https://razorpay.com/docs/payments/payments/late-authorisation
create or replace function private.merge_payment(
  p_order private.payment_orders,
  p_told private.payments
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  -- An authorization may follow a failure: banks answer late.
  c_statuses constant text[]
    := array['created', 'failed', 'authorized', 'captured', 'refunded'];
  v_behind constant text[] := c_statuses[:array_position(c_statuses, p_told.status) - 1];
  v_now record;
begin
  insert into private.payments as p (
    payment_id, payment_order_id, amount_minor, currency, status, method, captured_at,
    refunded_minor, fee_minor, error_code, error_reason
  )
  values (
    p_told.payment_id, p_order.id, p_told.amount_minor, p_told.currency, p_told.status,
    p_told.method, p_told.captured_at, p_told.refunded_minor, p_told.fee_minor,
    p_told.error_code, p_told.error_reason
  )
  on conflict (payment_id) do update
  set
    status = case when p.status = any (v_behind) then excluded.status else p.status end,
    method = coalesce(excluded.method, p.method),
    captured_at = coalesce(p.captured_at, excluded.captured_at),
    refunded_minor = greatest(p.refunded_minor, excluded.refunded_minor),
    fee_minor = coalesce(excluded.fee_minor, p.fee_minor),
    error_code = case when p.status = any (v_behind) then excluded.error_code else p.error_code end,
    error_reason = case
      when p.status = any (v_behind) then excluded.error_reason else p.error_reason
    end,
    updated_at = clock_timestamp()
  returning
    -- Subqueries see the tables as they were before this statement.
    coalesce(
      (
        select k.status = any (v_behind) from private.payments as k
        where k.payment_id = p_told.payment_id
      ),
      true
    ) as is_ahead,
    (select o.status from private.payment_orders as o where o.id = p_order.id) = 'open' as is_open,
    case when p_told.status in ('failed', 'refunded') then (
      select c from private.conversations as c where c.id = p_order.conversation_id
    ) end as conversation,
    p.captured_at is null as is_unpaid,
    p.captured_at is not null and not exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway' and e.payment_id = p_told.payment_id
    ) or exists (
      select from private.payments as k
      left join private.escrow_ledger as e
        on e.from_account = 'gateway' and e.payment_id = k.payment_id
      where k.payment_order_id = p_order.id
        and k.payment_id <> p_told.payment_id
        and k.captured_at is not null
        and e.id is null
    ) as is_due
  into v_now;
  if v_now.is_ahead and p_told.status = 'authorized' and v_now.is_open then
    perform private.show_authorization(p_order.conversation_id);
  elsif v_now.is_ahead and v_now.is_unpaid and p_told.status in ('failed', 'refunded') then
    perform private.tell_deal(
      v_now.conversation, 'payment_failed',
      jsonb_strip_nulls(jsonb_build_object(
        'payment_id', p_told.payment_id, 'reason', p_told.error_reason
      ))
    );
  end if;
  return v_now.is_due;
end;
$$;
