-- The brand owner presses Pay: the deal's one open order, the same one on every press.

-- RPC: the order that the brand owner pays; returns `{payment_order_id, receipt, amount_minor,
-- currency, mode, razorpay_order_id, has_checkout, status, kind, prefill: {name, email, contact}}`;
-- has_checkout: attach_payment_order has stored the settings of the checkout.
create or replace function public.begin_payment(conversation_id uuid)
returns jsonb
language sql
set search_path = ''
as $$
  select private.begin_payment(conversation_id);
$$;

-- Prepares a deal's payment. It also takes the action Pay in the conversation, unless the brand
-- owner did so within the last hour.
--
-- Definer: orders are private.
-- Locks: the user's limit on actions, then the conversation. Writes: payment_orders, and as
-- private.begin_action and private.finish_action.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- CHAT_CLOSED (409), PAYMENT_ALREADY_DONE (409), PAYMENT_NOT_READY (409) while the deal does not
-- wait for a payment, or one that the bank has approved is being confirmed, NOT_YOUR_TURN (409) for
-- the influencer, PRICE_OUT_OF_RANGE (422) `{min, max}` for less than Razorpay's minimum.
create or replace function private.begin_payment(p_conversation_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- Paise: https://razorpay.com/docs/api/orders/create
  c_least constant bigint := 100;
  c_pressed constant interval := interval '1 hour';
  v_call private.flow_step;
  v_conversation private.conversations;
  v_order private.payment_orders;
  v_roles text[];
begin
  v_call := private.begin_action(
    p_conversation_id, jsonb_build_object('action', 'proceed_to_payment'), p_input => null,
    p_client_action_id => null
  );
  v_conversation := v_call.conversation;
  v_roles := array(
    select t.role from private.flow_transitions as t
    where t.flow_id = v_conversation.flow_id
      and t.from_state = v_conversation.flow_state
      and t.action = 'proceed_to_payment'
  );
  if v_roles = '{}' then
    if v_conversation.captured_minor > 0 then
      perform private.raise_error(
        'PAYMENT_ALREADY_DONE', 'This deal has been paid.', p_status => 409
      );
    end if;
    if v_conversation.chat_status = 'closed' then
      perform private.raise_chat_closed();
    end if;
    perform private.raise_error(
      'PAYMENT_NOT_READY', 'There is nothing to pay here yet.', p_status => 409,
      p_hint => 'Agree on a price first.'
    );
  end if;
  if v_call.role <> all (v_roles) then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  perform private.refuse_second_payment(v_conversation.id);
  if v_conversation.amount_minor < c_least then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE', 'A payment is at least ₹1.',
      jsonb_build_object('min', 1, 'max', null), p_status => 422
    );
  end if;
  if coalesce(
    (v_conversation.flow_data ->> 'last_attempt_at')::timestamptz < now() - c_pressed, true
  ) or not v_conversation.flow_data ? 'payment_order' then
    perform private.finish_action(v_call, 'proceed_to_payment', '{}');
  end if;
  v_order := private.claim_payment_order(v_conversation, clock_timestamp());
  return jsonb_build_object(
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'amount_minor', v_order.amount_minor,
    'currency', v_order.currency,
    'mode', v_order.mode,
    'razorpay_order_id', v_order.razorpay_order_id,
    'has_checkout', v_order.checkout is not null,
    'status', v_order.status,
    'kind', v_conversation.kind,
    'prefill', (
      -- The e-mail address comes from the token.
      select jsonb_build_object(
        'name', u.display_name, 'email', nullif(auth.jwt() ->> 'email', ''), 'contact', a.phone
      )
      from public.users as u
      join private.accounts as a on a.user_id = u.id
      where u.id = v_call.actor_id
    )
  );
end;
$$;

grant execute on function public.begin_payment(uuid), private.begin_payment(uuid)
to authenticated;
