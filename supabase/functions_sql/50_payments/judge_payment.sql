-- What money that came in for an order means for its deal: applied when the deal waits for just
-- this, otherwise why it goes back.
--
-- Args: the conversation as it is now; the order; the payment; the order as Razorpay told of it.
create or replace function private.judge_payment(
  p_conversation public.conversations,
  p_order private.payment_orders,
  p_payment private.payments,
  p_told private.provider_order
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_left constant bigint := p_payment.amount_minor - p_payment.refunded_minor;
begin
  return case
    when p_payment.currency <> p_order.currency then 'currency_mismatch'
    when p_told.amount_minor <> p_order.amount_minor or p_told.currency <> p_order.currency
      then 'amount_mismatch'
    when p_conversation.captured_minor > 0 and p_order.status = 'paid' then 'double_payment'
    when p_conversation.chat_status = 'closed' then 'captured_after_closed'
    when p_order.status = 'superseded' then 'superseded_order'
    when p_conversation.captured_minor > 0 then 'double_payment'
    when v_left = p_order.amount_minor then 'applied'
    -- The payer bears Razorpay's fee: it comes on top.
    when v_left - p_payment.fee_minor = p_order.amount_minor then 'applied'
    when v_left < p_order.amount_minor then 'underpaid'
    else 'amount_mismatch'
  end;
end;
$$;

revoke all on function private.judge_payment(
  public.conversations, private.payment_orders, private.payments, private.provider_order
) from public, anon, authenticated, service_role;
