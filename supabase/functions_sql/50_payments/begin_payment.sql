-- Gets a deal's payment ready: the brand owner's one open order, the same one whenever it is asked
-- for again. Whoever has not pressed Pay in the conversation within the hour does so with this.
--
-- Definer: orders are private.
-- Locks: the user's limit on actions, then the conversation. Writes: payment_orders, and what
-- private.begin_action and private.finish_action write.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- CHAT_CLOSED (409), PAYMENT_ALREADY_DONE (409), PAYMENT_NOT_READY (409) while the deal does not
-- wait for a payment, NOT_YOUR_TURN (409) for the influencer, PRICE_OUT_OF_RANGE (422) `{min, max}`
-- for less than Razorpay takes.
-- Source of the least amount: https://razorpay.com/docs/api/orders/create, 100 paise.
create or replace function private.begin_payment(p_conversation_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pressed constant interval := interval '1 hour';
  v_call private.action_call;
  v_order private.payment_orders;
begin
  v_call := private.begin_action(
    p_conversation_id, jsonb_build_object('action', 'proceed_to_payment'), null
  );
  perform private.check_payable(v_call.conversation, v_call.role);
  if coalesce(
    ((v_call.conversation).flow_data ->> 'last_attempt_at')::timestamptz < now() - c_pressed, true
  ) or not (v_call.conversation).flow_data ? 'payment_order' then
    perform private.finish_action(
      v_call, 'proceed_to_payment', '{}',
      private.describe_action(v_call.conversation, 'proceed_to_payment')
    );
  end if;
  v_order := private.claim_payment_order(v_call.conversation, clock_timestamp());
  return jsonb_build_object(
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'amount_minor', v_order.amount_minor,
    'currency', v_order.currency,
    'mode', v_order.mode,
    'razorpay_order_id', v_order.razorpay_order_id,
    'has_checkout', v_order.checkout is not null,
    'status', v_order.status,
    'kind', (v_call.conversation).kind,
    'prefill', private.payer_json(v_call.actor_id)
  );
end;
$$;

-- RPC: the brand owner's order, to be paid; returns `{payment_order_id, receipt, amount_minor,
-- currency, mode, razorpay_order_id, has_checkout, status, kind, prefill: {name, email, contact}}`;
-- has_checkout: attach_payment_order was told what the checkout opens with.
create or replace function public.begin_payment(conversation_id uuid)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.begin_payment(conversation_id);
$$;

revoke all on function private.begin_payment(uuid) from public, anon, authenticated, service_role;
grant execute on function private.begin_payment(uuid) to authenticated;
revoke all on function public.begin_payment(uuid) from public, anon, authenticated, service_role;
grant execute on function public.begin_payment(uuid) to authenticated;
