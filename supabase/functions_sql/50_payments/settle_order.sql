-- Booking captured money of a deal, for webhooks and polls.

-- Settles each captured payment of an order that is not booked yet: the deal moves on, or the money
-- is refunded.
--
-- Args: the order, its conversation locked; Razorpay's order (nulls: not reported); the actor; the
-- event (null: a poll). Returns the outcome of the highest severity; noop when there was nothing to
-- settle.
-- Locks: the conversation must be locked already. Writes: payment_orders, and as
-- private.run_deadlines, private.tell_deal and private.conclude.
create or replace function private.settle_order(
  p_order private.payment_orders,
  p_told private.payment_orders,
  p_actor text,
  p_event_row_id bigint
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_found record;
  v_payment private.payments;
  v_order private.payment_orders;
  v_conversation private.conversations;
  v_left bigint;
  v_fact text;
  v_refusal text;
  v_next text;
  v_outcome text := 'noop';
begin
  for v_found in
    select p as payment, o as payment_order, c as conversation
    from private.payments as p
    join private.payment_orders as o on o.id = p.payment_order_id
    join private.conversations as c on c.id = o.conversation_id
    where o.id = p_order.id
      and p.captured_at is not null
      and not exists (
        select from private.escrow_ledger as e
        where e.from_account = 'gateway' and e.payment_id = p.payment_id
      )
    -- A refunded payment must not end the order before the payment that pays it.
    order by p.refunded_minor >= p.amount_minor, p.captured_at, p.payment_id
  loop
    v_payment := v_found.payment;
    if v_next is null then
      v_order := v_found.payment_order;
      v_conversation := v_found.conversation;
    else
      -- The payment before this one may have moved the deal and ended the order.
      select o.* into v_order from private.payment_orders as o where o.id = p_order.id;
      select c.* into v_conversation
      from private.conversations as c
      where c.id = v_order.conversation_id;
    end if;
    v_left := v_payment.amount_minor - v_payment.refunded_minor;
    v_refusal := null;
    if v_order.mode <> private.get_setting('payment_mode') #>> '{}' then
      -- An order from before a change of payment_mode pays for nothing.
      v_next := 'mode_mismatch';
    elsif v_left <= 0 then
      v_next := case
        when v_order.status = 'open' then 'refunded_before_completion'
        else 'noop'
      end;
    else
      if v_conversation.deadline_at <= clock_timestamp() then
        v_conversation := private.run_deadlines(v_conversation, p_is_trial => false);
      end if;
      v_next := private.judge_payment(v_conversation, v_order, v_payment, p_told);
      v_fact := 'payment_captured';
      if v_next <> 'applied' then
        -- A deal that still waits for a payment has a move for one that does not match.
        if exists (
          select from private.flow_transitions as t
          where t.flow_id = v_conversation.flow_id
            and t.from_state = v_conversation.flow_state
            and t.action = 'payment_mismatch'
        ) then
          v_fact := 'payment_mismatch';
        end if;
      end if;
      v_refusal := private.tell_deal(
        v_conversation, v_fact,
        jsonb_build_object(
          'payment_id', v_payment.payment_id,
          'amount_minor', case when v_next = 'applied' then v_order.amount_minor else v_left end,
          'currency', v_payment.currency
        )
      );
      if v_refusal is not null then
        v_next := 'captured_out_of_flow';
      end if;
    end if;
    -- Razorpay accepts no second payment of an order, so the next press on Pay makes a new one.
    if v_next not in ('applied', 'mode_mismatch', 'captured_out_of_flow') then
      update private.payment_orders as o
      set status = 'superseded', updated_at = clock_timestamp()
      where o.id = v_order.id and o.status = 'open';
      if found then
        perform private.show_payment_order(v_order.conversation_id, null, null);
      end if;
    end if;
    perform private.conclude(
      v_next, v_order, v_payment.payment_id, v_payment.payment_id, p_actor, p_event_row_id,
      jsonb_strip_nulls(jsonb_build_object(
        'amount_minor', v_payment.amount_minor, 'currency', v_payment.currency,
        'asked_minor', v_order.amount_minor, 'refunded_minor', v_payment.refunded_minor,
        'fee_minor', v_payment.fee_minor, 'flow_state', v_conversation.flow_state,
        'mode', v_order.mode, 'refusal', v_refusal
      ))
    );
    if v_outcome in ('noop', 'applied') then
      v_outcome := v_next;
    end if;
  end loop;
  return v_outcome;
end;
$$;

-- The meaning of a captured payment for its deal: applied when the deal waits for exactly this
-- payment, otherwise the reason for its refund.
--
-- Args: the conversation as it is now; the order; the payment; Razorpay's order.
create or replace function private.judge_payment(
  p_conversation private.conversations,
  p_order private.payment_orders,
  p_payment private.payments,
  p_told private.payment_orders
)
returns text
language plpgsql
immutable
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
    -- The payer bears Razorpay's fee on top of the price.
    when v_left - p_payment.fee_minor = p_order.amount_minor then 'applied'
    when v_left < p_order.amount_minor then 'underpaid'
    else 'amount_mismatch'
  end;
end;
$$;
