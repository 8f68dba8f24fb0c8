-- The effects on the money of a deal: payments, held money, releases, refunds, chargebacks.
--
-- Amounts are in paise. Every transfer is in the conversation's books and in escrow_ledger.
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: escrow_ledger, payment_orders, refunds, payouts, and as private.claim_payment_order,
-- unless the step is a trial.
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` for a refund of more than the deal holds,
-- PAYMENT_NOT_READY (409) while a payment is being confirmed.
create or replace function private.affect_money(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  -- From the step's payment.
  v_paid_minor constant bigint := (p_step.input -> 'amount_minor')::bigint;
  v_payment_id constant text := p_step.input ->> 'payment_id';
  v_refund_minor bigint;
begin
  case p_effect
    when 'open_order' then
      perform private.refuse_second_payment(v_deal.id);
      if not p_step.is_trial then
        v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
          'payment_order', private.payment_order_json(
            private.claim_payment_order(v_deal, p_step.at)
          )
        );
      end if;

    when 'note_attempt' then
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object('last_attempt_at', p_step.at);
      v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);

    when 'hold_funds' then
      v_deal.captured_minor := v_deal.captured_minor + v_paid_minor;
      v_deal.held_minor := v_deal.held_minor + v_paid_minor;
      v_deal.flow_data := v_deal.flow_data - 'payment_order' || jsonb_build_object(
        'paid_at', p_step.at, 'clock_from', p_step.at, 'payment_id', v_payment_id
      );
      perform private.record_transfer(p_step, 'gateway', 'held', v_paid_minor, v_payment_id);
      if not p_step.is_trial then
        update private.payment_orders as o
        set status = 'paid', updated_at = p_step.at
        where o.conversation_id = v_deal.id and o.status = 'open';
      end if;

    when 'bounce_payment' then
      perform private.record_transfer(p_step, 'gateway', 'bounced', v_paid_minor, v_payment_id);
      if not p_step.is_trial then
        insert into private.refunds (
          conversation_id, payment_id, amount_minor, currency, kind, reason, requested_at
        )
        values (
          v_deal.id, v_payment_id, v_paid_minor, p_step.input ->> 'currency', 'bounce',
          p_step.reason, p_step.at
        );
      end if;

    when 'release_funds' then
      return private.release_held(p_step, v_deal);

    when 'request_refund' then
      return private.request_refund(p_step, v_deal.held_minor);
    when 'request_agreed_refund' then
      return private.request_refund(
        p_step,
        coalesce((v_deal.flow_data #>> '{cancellation,refund_minor}')::bigint, v_deal.held_minor)
      );
    when 'request_split_refund' then
      v_refund_minor := (p_step.input -> 'refund_amount_minor')::bigint;
      perform private.check_refund(v_deal, v_refund_minor);
      return private.request_refund(p_step, v_refund_minor);

    when 'retry_refund' then
      if not p_step.is_trial then
        update private.refunds as r
        set attempts = r.attempts + 1
        where r.conversation_id = v_deal.id and r.kind = 'deal' and r.status = 'requested';
      end if;

    when 'settle_refund' then
      v_refund_minor := (v_deal.flow_data -> 'refund_minor')::bigint;
      v_deal.refunded_minor := v_deal.refunded_minor + v_refund_minor;
      v_deal.held_minor := v_deal.held_minor - v_refund_minor;
      v_deal.flow_data := v_deal.flow_data - 'refund_minor';
      perform private.record_transfer(p_step, 'held', 'refunded', v_refund_minor, null);
      if not p_step.is_trial then
        update private.refunds as r
        set
          status = 'processed',
          reference = p_step.input ->> 'reference',
          processed_at = p_step.at
        where r.conversation_id = v_deal.id and r.kind = 'deal' and r.status = 'requested';
      end if;
      return private.release_held(p_step, v_deal);

    when 'charge_back' then
      perform private.record_transfer(p_step, 'held', 'charged_back', v_deal.held_minor, null);
      v_deal.charged_back_minor := v_deal.charged_back_minor + v_deal.held_minor;
      v_deal.held_minor := 0;
      v_deal.flow_data := v_deal.flow_data - 'resume';
  end case;
  return v_deal;
end;
$$;

-- Requests a refund of an amount that a deal holds, and returns the conversation. It drops a pause.
--
-- Writes: refunds, unless the step is a trial.
create or replace function private.request_refund(
  p_step private.flow_step,
  p_amount_minor bigint
)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
begin
  v_deal.flow_data := v_deal.flow_data - 'resume'
    || jsonb_build_object('refund_minor', p_amount_minor);
  if not p_step.is_trial then
    insert into private.refunds (
      conversation_id, payment_id, amount_minor, currency, kind, reason, requested_at
    )
    values (
      v_deal.id, v_deal.flow_data ->> 'payment_id', p_amount_minor, v_deal.currency, 'deal',
      p_step.reason, p_step.at
    );
  end if;
  return v_deal;
end;
$$;

-- Releases the held money to the influencer, less the fee (rule fee_basis_points, rounded down to a
-- paisa), and returns the conversation with its books. It drops a pause.
--
-- Writes: escrow_ledger, payouts, unless the step is a trial.
create or replace function private.release_held(
  p_step private.flow_step,
  p_deal private.conversations
)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_deal;
  v_held constant bigint := v_deal.held_minor;
  v_fee constant bigint
    := floor(v_held * (p_step.rules ->> 'fee_basis_points')::numeric / 10000);
begin
  v_deal.flow_data := v_deal.flow_data - 'resume';
  v_deal.held_minor := 0;
  v_deal.fee_minor := v_deal.fee_minor + v_fee;
  v_deal.released_minor := v_deal.released_minor + v_held - v_fee;
  perform private.record_transfer(p_step, 'held', 'fee', v_fee, null);
  perform private.record_transfer(p_step, 'held', 'released', v_held - v_fee, null);
  if not p_step.is_trial and v_held > v_fee then
    insert into private.payouts (
      conversation_id, influencer_id, amount_minor, currency, created_at
    )
    values (v_deal.id, v_deal.influencer_id, v_held - v_fee, v_deal.currency, p_step.at);
  end if;
  return v_deal;
end;
$$;

-- Records in the ledger that an amount moved from one account to another; nothing for 0.
--
-- Args: the step; the accounts; paise; the gateway's payment, for money that comes from there.
-- Writes: escrow_ledger, unless the step is a trial.
create or replace function private.record_transfer(
  p_step private.flow_step,
  p_from text,
  p_to text,
  p_amount_minor bigint,
  p_payment_id text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_step.is_trial or p_amount_minor = 0 then
    return;
  end if;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  values (
    (p_step.conversation).id, p_from, p_to, p_amount_minor,
    coalesce(p_step.input ->> 'currency', (p_step.conversation).currency),
    (p_step.conversation).version, p_payment_id, p_step.at
  );
end;
$$;

-- Refuses a refund of more than the deal holds; without an amount the refund is all of it.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}`, in rupees.
create or replace function private.check_refund(
  p_deal private.conversations,
  p_amount_minor bigint
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_amount_minor > p_deal.held_minor then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE',
      format(
        'The refund is at most %s: that is what the deal holds.',
        private.rupees_text(p_deal.held_minor)
      ),
      jsonb_build_object('min', 1, 'max', private.rupees(p_deal.held_minor)),
      p_status => 422
    );
  end if;
end;
$$;
