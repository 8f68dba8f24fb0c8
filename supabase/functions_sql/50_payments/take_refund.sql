-- Razorpay's reports of refunds: from a webhook or from its answer to our request. A refund moves
-- only a deal that requested it.

-- Stores a refund and acts on its new status: a requested refund moves its deal, any other is only
-- recorded.
--
-- It belongs to the request of its receipt, or to the request that it answers; otherwise to a
-- request for the same payment and amount that was not sent, because a person has refunded it by
-- hand.
-- Args: our order, its conversation locked; the refund as reported; the reason of a failure, if
-- reported; the actor; the event (null: Razorpay's answer). Returns the outcome.
-- Locks: the request; the conversation must be locked already. Writes: refunds, payment_refunds,
-- payments, and as private.tell_deal, private.fail_refund, private.settle_bounce and
-- private.conclude.
-- Errors: P0001 when a deal does not wait for its refund; an operator must look into it.
create or replace function private.take_refund(
  p_order private.payment_orders,
  p_told private.payment_refunds,
  p_reason text,
  p_actor text,
  p_event_row_id bigint
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  c_ranks constant text[] := array['created', 'processed', 'failed'];
  v_request private.refunds;
  v_bounce private.refunds;
  v_payment private.payments;
  v_refusal text;
  v_outcome text := 'noop';
begin
  select r.* into v_request
  from private.refunds as r
  where r.payment_id = p_told.payment_id
    and (
      r.id = p_told.request_id
      or r.razorpay_refund_id = p_told.refund_id
      or r.id = (
        select k.request_id from private.payment_refunds as k
        where k.refund_id = p_told.refund_id
      )
      or p_told.request_id is null
        and p_told.status <> 'failed'
        and r.status = 'requested'
        and r.razorpay_refund_id is null
        and (r.amount_minor, r.currency) = (p_told.amount_minor, p_told.currency)
    )
  order by (r.id = p_told.request_id) desc nulls last, r.requested_at
  limit 1
  for update;

  insert into private.payment_refunds as r (
    refund_id, payment_id, request_id, amount_minor, currency, status
  )
  values (
    p_told.refund_id, p_told.payment_id, v_request.id, p_told.amount_minor, p_told.currency,
    p_told.status
  )
  on conflict (refund_id) do update
  set
    status = excluded.status,
    request_id = coalesce(r.request_id, excluded.request_id),
    updated_at = clock_timestamp()
  where array_position(c_ranks, excluded.status) > array_position(c_ranks, r.status);
  if found then
    -- A failed refund no longer counts.
    update private.payments as p
    set
      refunded_minor = case
        when p_told.status = 'failed' then live.amount_minor
        else greatest(p.refunded_minor, live.amount_minor)
      end,
      updated_at = clock_timestamp()
    from (
      select coalesce(sum(r.amount_minor), 0) as amount_minor
      from private.payment_refunds as r
      where r.payment_id = p_told.payment_id and r.status <> 'failed'
    ) as live
    where p.payment_id = p_told.payment_id
    returning p.* into v_payment;
    v_outcome := case
      when p_told.status = 'failed' then 'refund_failed'
      when v_request.id is null then case
        -- Not requested by Parley: of booked money, of money that no deal took, or of a payment
        -- that was never captured.
        when exists (
          select from private.escrow_ledger as e
          where e.from_account = 'gateway' and e.payment_id = v_payment.payment_id
        ) then 'refund_recorded'
        -- private.settle_order decides about it.
        when v_payment.captured_at is not null then 'noop'
        else 'uncaptured_refund'
      end
      when (v_request.amount_minor, v_request.currency) <> (p_told.amount_minor, p_told.currency)
        then 'refund_mismatch'
      -- The app sent it, and a person did it by hand as well.
      when v_request.status <> 'requested' then 'refund_recorded'
      when p_told.status = 'processed' then 'refund_processed'
      else 'refund_pending'
    end;
  end if;

  case v_outcome
    when 'refund_pending', 'refund_processed' then
      update private.refunds as r
      set razorpay_refund_id = p_told.refund_id, failure = null
      where r.id = v_request.id;
      if v_outcome = 'refund_processed' and v_request.kind = 'bounce' then
        perform private.settle_bounce(v_request, p_told.refund_id);
      elsif v_outcome = 'refund_processed' then
        v_refusal := private.tell_deal(
          (select c from private.conversations as c where c.id = v_request.conversation_id),
          'refund_processed',
          jsonb_build_object('reference', p_told.refund_id)
        );
        if v_refusal is not null then
          raise exception 'refund %: the deal answers %', p_told.refund_id, v_refusal;
        end if;
      end if;
    when 'refund_failed' then
      if v_request.status = 'requested' then
        perform private.fail_refund(v_request, p_reason);
      end if;
    else
      -- A payment that a person has refunded whole, at once or in parts, needs no refund by the
      -- app.
      select r.* into v_bounce
      from private.refunds as r
      where r.payment_id = v_payment.payment_id and r.kind = 'bounce' and r.status = 'requested'
        and v_payment.refunded_minor >= v_payment.amount_minor
      for update;
      if found then
        perform private.settle_bounce(v_bounce, p_told.refund_id);
      end if;
  end case;
  perform private.conclude(
    v_outcome, p_order, p_told.payment_id, p_told.refund_id, p_actor, p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'refund_id', p_told.refund_id, 'amount_minor', p_told.amount_minor,
      'status', p_told.status, 'request_id', v_request.id,
      'reason', case when p_told.status = 'failed' then p_reason end
    ))
  );
  return v_outcome;
end;
$$;

-- Records that a requested refund failed. It stays requested; the deal is told once for each
-- reason.
--
-- Args: the request, locked with its conversation; the reason.
-- Writes: refunds, and as private.tell_deal.
create or replace function private.fail_refund(p_request private.refunds, p_reason text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_reason constant text := left(coalesce(p_reason, 'The refund did not go through.'), 200);
begin
  update private.refunds as r
  set failure = v_reason, razorpay_refund_id = null
  where r.id = p_request.id;
  if p_request.kind = 'deal' and p_request.failure is distinct from v_reason then
    perform private.tell_deal(
      (select c from private.conversations as c where c.id = p_request.conversation_id),
      'refund_failed', jsonb_build_object('reason', v_reason)
    );
  end if;
end;
$$;

-- Books that a payment that no deal waited for is back with its payer.
--
-- Args: the request, its conversation locked; the proof: Razorpay's refund, or an operator's
-- reference.
-- Writes: refunds, escrow_ledger.
create or replace function private.settle_bounce(p_request private.refunds, p_reference text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.refunds as r
  set status = 'processed', reference = p_reference, processed_at = clock_timestamp()
  where r.id = p_request.id;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  select
    c.id, 'bounced', 'returned', p_request.amount_minor, p_request.currency, c.version,
    p_request.payment_id, clock_timestamp()
  from private.conversations as c
  where c.id = p_request.conversation_id;
end;
$$;
