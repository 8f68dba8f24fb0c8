-- How a webhook moves a deal: apply_event reads the stored event and finds its order, merge_payment
-- stores the new facts, settle_order books captured money, tell_deal gives the flow its action.
-- Refunds and disputes are in take_refund and take_dispute.

-- RPC: service only; processes an event; returns `{outcome, status, event_type, conversation_id,
-- flow_state, razorpay_order_id, razorpay_payment_id}`.
create or replace function public.process_payment_event(
  event_row_id bigint,
  actor text default 'webhook'
)
returns jsonb
language sql
as $$
  select private.process_payment_event(event_row_id, actor);
$$;

-- Applies a stored event, once; then events of the same order that could not be applied before.
--
-- A webhook does not wait for a user who has locked the deal: the outcome is waiting, the event
-- stays received, and the next event, a poll or apply_waiting_event applies it.
-- Args: the event's row; the actor (an operator may process a parked event).
-- Definer: the events are private. Plans are generic, as private.take_action's, and never scan a
-- table: a session would keep a scan that it planned while the table was small.
-- Locks: the event, waiting for 1.5 seconds at most, then as private.apply_event. Writes: as
-- private.apply_event.
-- Errors: INPUT_INVALID (422) for an unknown row.
create or replace function private.process_payment_event(p_event_row_id bigint, p_actor text)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
as $$
declare
  v_event private.payment_events;
  v_other private.payment_events;
  v_outcome text := 'duplicate';
  v_flow_state text;
  v_is_followed boolean;
begin
  v_event := (select e from private.payment_events as e where e.id = p_event_row_id for update);
  if v_event.id is null then
    perform private.raise_input_invalid('event_row_id', 'known', 'There is no such event.');
  end if;
  if v_event.status = 'received'
    or v_event.status = 'parked' and v_event.body is not null and p_actor like 'operator:%' then
    v_event := private.apply_event(v_event, coalesce(p_actor, 'webhook'));
    v_outcome := v_event.outcome;
  end if;
  select
    (select c.flow_state from private.conversations as c where c.id = v_event.conversation_id),
    v_outcome not in ('duplicate', 'waiting', 'try_again', 'ignored_event_type') and exists (
      select from private.payment_events as e
      where e.razorpay_order_id = v_event.razorpay_order_id
        and e.status = 'received'
        and e.lock_timeouts > 0
    )
  into v_flow_state, v_is_followed;
  if v_is_followed then
    for v_other in
      select e.*
      from private.payment_events as e
      where e.razorpay_order_id = v_event.razorpay_order_id
        and e.status = 'received'
        and e.lock_timeouts > 0
      order by e.id
      for update skip locked
    loop
      perform private.apply_event(v_other, coalesce(p_actor, 'webhook'));
    end loop;
    v_flow_state := (
      select c.flow_state from private.conversations as c where c.id = v_event.conversation_id
    );
  end if;
  return jsonb_object(array[
    'outcome', v_outcome,
    'status', v_event.status,
    'event_type', v_event.event_type,
    'conversation_id', v_event.conversation_id::text,
    'flow_state', v_flow_state,
    'razorpay_order_id', v_event.razorpay_order_id,
    'razorpay_payment_id', v_event.razorpay_payment_id
  ]);
end;
$$;

-- Reads an event, finds its order, applies it, and stores the outcome.
--
-- It waits 200 ms for a lock, then counts the timeout on the event and opens an alert, which is
-- resolved when the event is applied. It counts errors in Parley as well; the fifth parks the
-- event, before Razorpay gives up and disables the webhook.
-- Args: the event, locked, not yet processed; the actor. Returns the event afterwards; with outcome
-- waiting or try_again it stays received.
-- Locks: the conversation, its order, and the rows of the deal's step. Writes: payment_events,
-- payment_orders, alerts, and as private.merge_payment, private.settle_order, private.take_refund,
-- private.take_dispute and private.conclude.
-- Source of the five: Razorpay tries for 24 hours,
-- https://razorpay.com/docs/webhooks/best-practices
create or replace function private.apply_event(p_event private.payment_events, p_actor text)
returns private.payment_events
language plpgsql
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
  c_most constant integer := 5;
  -- As private.merge_payment; a test compares them.
  c_statuses constant text[]
    := array['created', 'failed', 'authorized', 'captured', 'refunded'];
  v_said jsonb;
  v_payload jsonb;
  v_order_id text;
  v_payment private.payments;
  v_told private.payment_orders;
  v_refund private.payment_refunds;
  v_dispute private.payment_disputes;
  v_is_read boolean := false;
  v_found record;
  v_order private.payment_orders;
  v_is_due boolean;
  v_subject text;
  v_outcome text;
  v_settled text := 'noop';
  v_fault text;
  v_status text := 'processed';
  v_event private.payment_events;
begin
  begin
    -- 1. Read it.
    v_said := convert_from(p_event.body, 'UTF8')::jsonb;
    v_payload := v_said -> 'payload';
    if jsonb_typeof(v_said -> 'event') is distinct from 'string' then
      raise exception 'not an event' using errcode = 'invalid_parameter_value';
    -- https://razorpay.com/docs/webhooks/payments; other types are stored and ignored.
    elsif p_event.event_type not in (
      'order.paid', 'payment.authorized', 'payment.captured', 'payment.failed',
      'refund.created', 'refund.processed', 'refund.failed', 'refund.speed_changed',
      'payment.dispute.created', 'payment.dispute.under_review',
      'payment.dispute.action_required', 'payment.dispute.won', 'payment.dispute.lost',
      'payment.dispute.closed'
    ) then
      v_outcome := 'ignored_event_type';
    else
      v_payment := private.read_payment(v_payload #> '{payment,entity}');
      if v_payload #>> '{payment,entity,order_id}' is not null then
        v_order_id := private.read_id(v_payload #> '{payment,entity}', 'order_id', 'order_');
      end if;
      if v_payload ?| '{order,refund,dispute}' then
        if coalesce(v_payload #> '{order,entity}', 'null') <> 'null' then
          v_told := private.read_order(v_payload #> '{order,entity}');
          v_order_id := coalesce(v_order_id, v_told.razorpay_order_id);
        end if;
        if coalesce(v_payload #> '{refund,entity}', 'null') <> 'null' then
          v_refund := private.read_refund(v_payload #> '{refund,entity}');
        end if;
        if coalesce(v_payload #> '{dispute,entity}', 'null') <> 'null' then
          v_dispute := private.read_dispute(v_payload #> '{dispute,entity}');
        end if;
      end if;
      if p_event.event_type like 'order.%' and v_told.razorpay_order_id is null
        or p_event.event_type like 'refund.%' and v_refund.refund_id is null
        or p_event.event_type like 'payment.dispute.%' and v_dispute.dispute_id is null then
        raise exception 'an entity of % is missing', p_event.event_type
          using errcode = 'invalid_parameter_value';
      end if;
      if left(v_said ->> 'account_id', 100) <> p_event.account_id then
        v_outcome := 'foreign_account';
        v_subject := left(v_said ->> 'account_id', 100);
      end if;
    end if;
    v_is_read := true;

    -- 2. Find our order: by Razorpay's id; by our receipt, when Razorpay's answer to us was lost;
    -- by the payment, because a refund or dispute may name nothing else.
    if v_outcome is null then
      select
        o as payment_order,
        -- All facts are stored already, and captured money is booked.
        array_position(c_statuses, p.status) >= array_position(c_statuses, v_payment.status)
          and (v_payment.captured_at is null or p.captured_at is not null)
          and p.refunded_minor >= v_payment.refunded_minor
          and (v_payment.fee_minor is null or p.fee_minor is not null)
          and (p.captured_at is null or l.id is not null) as is_known
      into v_found
      from private.payment_orders as o
      left join private.payments as p
        on p.payment_order_id = o.id and p.payment_id = v_payment.payment_id
      left join private.escrow_ledger as l
        on l.from_account = 'gateway' and l.payment_id = v_payment.payment_id
      where o.razorpay_order_id = v_order_id;
      v_order := v_found.payment_order;
      if v_order.id is not null then
        null;
      elsif v_order_id is null then
        select o.* into v_order
        from private.payment_orders as o
        where o.id = (
          select p.payment_order_id from private.payments as p
          where p.payment_id = v_payment.payment_id
        );
        v_order_id := v_order.razorpay_order_id;
      else
        select o.* into v_order
        from private.payment_orders as o
        where o.razorpay_order_id is null
          and v_told.razorpay_order_id = v_order_id
          and (o.receipt, o.amount_minor, o.currency, o.mode)
            = (v_told.receipt, v_told.amount_minor, v_told.currency, p_event.mode);
      end if;
      if v_order.id is null then
        v_outcome := 'unknown_order';
        v_subject := coalesce(v_order_id, 'none');
      elsif v_order.mode <> p_event.mode then
        v_outcome := 'mode_mismatch';
        v_subject := v_order.razorpay_order_id;
      end if;
    end if;

    -- 3. Apply it. Facts only move forward, so known and settled facts need no lock.
    if v_outcome is not null then
      perform private.conclude(
        v_outcome, v_order, v_payment.payment_id, v_subject, p_actor, p_event.id,
        jsonb_strip_nulls(jsonb_build_object(
          'event_type', p_event.event_type, 'razorpay_order_id', v_order_id,
          'account_id', left(v_said ->> 'account_id', 100), 'mode', p_event.mode
        ))
      );
    elsif v_refund.refund_id is null and v_dispute.dispute_id is null
      and v_found.is_known then
      v_outcome := 'noop';
    else
      perform 1 from private.conversations as c
      where c.id = v_order.conversation_id
      for no key update;
      if v_order.razorpay_order_id is null then
        update private.payment_orders as o
        set razorpay_order_id = v_order_id, updated_at = clock_timestamp()
        where o.id = v_order.id and o.razorpay_order_id is null;
        v_order.razorpay_order_id := v_order_id;
      end if;
      v_is_due := private.merge_payment(v_order, v_payment);
      -- Before new refunds: a refund that was made already answers its request.
      if v_refund.refund_id is not null then
        v_outcome := private.take_refund(
          v_order, v_refund, v_payment.error_reason, p_actor, p_event.id
        );
      end if;
      if v_is_due then
        v_settled := private.settle_order(v_order, v_told, p_actor, p_event.id);
      end if;
      -- After the payment: the bank disputes held money.
      if v_dispute.dispute_id is not null then
        v_outcome := private.take_dispute(v_order, v_dispute, p_actor, p_event.id);
      end if;
      if v_outcome is null or v_settled <> 'noop' then
        v_outcome := v_settled;
      end if;
    end if;
  exception
    when serialization_failure or deadlock_detected or lock_not_available then
      v_outcome := 'waiting';
    when others then
      v_fault := left(sqlstate || ': ' || sqlerrm, 1000);
      v_outcome := case
        -- data_exception and program_limit_exceeded
        when not v_is_read and left(sqlstate, 2) in ('22', '54') then 'malformed'
        when p_event.attempts + 1 < c_most then 'try_again'
        else 'processing_failed'
      end;
  end;

  -- 4. Store the outcome.
  if v_outcome not in ('applied', 'noop') then
    v_status := (select o.status from private.payment_outcomes() as o where o.outcome = v_outcome);
    if v_outcome in ('waiting', 'malformed', 'processing_failed') then
      perform private.conclude(
        v_outcome, v_order, v_payment.payment_id, p_event.id::text, p_actor, p_event.id,
        jsonb_strip_nulls(jsonb_build_object(
          'event_type', p_event.event_type, 'razorpay_order_id', v_order_id,
          'account_id', left(v_said ->> 'account_id', 100), 'mode', p_event.mode,
          'error', left(v_fault, 200),
          'times', case when v_outcome = 'waiting' then p_event.lock_timeouts + 1 end
        ))
      );
    end if;
  end if;
  if p_event.lock_timeouts > 0 and v_outcome not in ('waiting', 'processing_failed') then
    update private.alerts as a
    set status = 'resolved', resolved_at = now(), note = 'Applied by ' || p_actor
    where a.key = 'waiting:' || p_event.id and a.status = 'open';
  end if;
  update private.payment_events as e
  set
    status = v_status,
    outcome = v_outcome,
    error = v_fault,
    attempts = e.attempts + (v_outcome <> 'waiting')::integer,
    lock_timeouts = e.lock_timeouts + (v_outcome = 'waiting')::integer,
    next_try_at
      = now() + least((e.lock_timeouts + 1) * interval '2 seconds', interval '1 minute'),
    razorpay_order_id = coalesce(v_order_id, e.razorpay_order_id),
    razorpay_payment_id = coalesce(v_payment.payment_id, e.razorpay_payment_id),
    conversation_id = coalesce(v_order.conversation_id, e.conversation_id),
    processed_at = case when v_status <> 'received' then clock_timestamp() end
  where e.id = p_event.id
  returning e.* into v_event;
  return v_event;
end;
$$;

grant execute on function
  public.process_payment_event(bigint, text), private.process_payment_event(bigint, text)
to service_role;
