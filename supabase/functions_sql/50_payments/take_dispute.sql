-- Razorpay's reports of disputes by the payer's bank.

-- Stores a dispute, tells the deal that holds the money, and opens an alert.
--
-- The deal is frozen while the bank decides, and ends when the bank has taken all held money, at
-- once or in parts. A person decides about a part, and about money that the deal no longer holds.
-- Args: our order, its conversation locked; the dispute as reported; the actor; the event. Returns
-- the outcome.
-- Locks: the conversation must be locked already. Writes: payment_disputes, and as
-- private.tell_deal and private.conclude.
create or replace function private.take_dispute(
  p_order private.payment_orders,
  p_told private.payment_disputes,
  p_actor text,
  p_event_row_id bigint
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_input constant jsonb := jsonb_build_object('payment_id', p_told.payment_id);
  v_dispute private.payment_disputes;
  v_conversation private.conversations;
  v_is_open boolean;
  v_is_lost boolean;
  v_taken bigint;
begin
  insert into private.payment_disputes as d (
    dispute_id, payment_id, amount_minor, currency, status, phase, reason_code, respond_by
  )
  values (
    p_told.dispute_id, p_told.payment_id, p_told.amount_minor, p_told.currency, p_told.status,
    p_told.phase, p_told.reason_code, p_told.respond_by
  )
  on conflict (dispute_id) do update
  set
    status = case
      when private.dispute_rank(excluded.status) > private.dispute_rank(d.status)
        then excluded.status
      else d.status
    end,
    phase = excluded.phase,
    respond_by = coalesce(excluded.respond_by, d.respond_by),
    updated_at = clock_timestamp()
  returning d.* into v_dispute;

  select c.* into v_conversation
  from private.conversations as c
  where c.id = p_order.conversation_id
    and exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway'
        and e.payment_id = v_dispute.payment_id
        and e.to_account = 'held'
    );
  if found then
    v_is_open := v_dispute.status not in ('won', 'lost', 'closed');
    v_is_lost := v_dispute.status = 'lost' and not v_dispute.told_lost;
    v_taken := (
      select sum(d.amount_minor) from private.payment_disputes as d
      where d.payment_id = v_dispute.payment_id and d.status = 'lost'
    );
    -- The event of the loss may come first, and the deal may have moved since the dispute was
    -- opened.
    if (v_is_open or v_is_lost) and not v_dispute.told_opened
      or v_is_lost and v_conversation.held_minor > 0
        and v_conversation.flow_data #>> '{dispute,origin}' is distinct from 'bank' then
      perform private.tell_deal(v_conversation, 'bank_dispute_opened', v_input);
    end if;
    if v_is_lost and v_conversation.held_minor > 0 and v_taken >= v_conversation.held_minor then
      perform private.tell_deal(
        (select c from private.conversations as c where c.id = p_order.conversation_id),
        'bank_dispute_lost', v_input
      );
    end if;
    update private.payment_disputes as d
    set
      told_opened = d.told_opened or v_is_open or v_is_lost,
      told_lost = d.told_lost or v_is_lost
    where d.dispute_id = v_dispute.dispute_id;
  end if;
  perform private.conclude(
    'dispute_recorded', p_order, v_dispute.payment_id, v_dispute.dispute_id, p_actor,
    p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'dispute_id', v_dispute.dispute_id, 'status', v_dispute.status, 'phase', v_dispute.phase,
      'reason_code', v_dispute.reason_code, 'amount_minor', v_dispute.amount_minor,
      'respond_by', v_dispute.respond_by
    ))
  );
  return 'dispute_recorded';
end;
$$;

-- The rank of a dispute's status; null for an unknown one.
create or replace function private.dispute_rank(p_status text)
returns integer
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case p_status
    when 'open' then 1
    when 'under_review' then 2
    when 'action_required' then 2
    when 'won' then 3
    when 'lost' then 3
    when 'closed' then 3
  end;
end;
$$;
