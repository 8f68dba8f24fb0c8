-- The guards of the flow: the condition of each, its meaning for the proof, and the refusal of a
-- step for which it does not hold.
--
-- certainty: the proof's search decides `known`; `chosen` holds whenever the actor wants it to (a
-- price left out matches); `counted` holds until the actor has used up an allowance
-- (private.flow_allowances); `open` may hold or not (deadlines, blocks and amounts), so nothing
-- that must be possible may depend on it. undoes: the guard lets an actor take back their own step,
-- which is no progress. code and sentence: the refusal; private.refuse_guard adds the details.
-- says: the guard in words, for docs/FLOW.md.
create or replace view private.flow_guards as
select g.name, g.certainty, g.undoes, g.code, g.sentence, g.says
from (
  values
    -- The turn
    ('is_awaited', 'known', false, 'GUARD_FAILED', null, 'It is the actor''s turn.'),
    ('is_requester', 'known', true, 'GUARD_FAILED', null,
      'The actor asked for the cancellation.'),
    ('is_opener', 'known', true, 'GUARD_FAILED', null,
      'The actor opened the dispute; nobody did when the bank or an operator opened it.'),
    ('is_closer', 'open', true, 'GUARD_FAILED', null, 'The actor closed the conversation.'),
    ('is_unblocked', 'open', false, 'GUARD_FAILED', null, 'Neither side blocks the other.'),

    -- Prices
    ('has_quote', 'known', false, 'GUARD_FAILED', null, 'The application carries a quote.'),
    ('has_counter', 'known', false, 'GUARD_FAILED', null, 'A counter offer is on the table.'),
    ('offer_matches', 'chosen', false, 'PRICE_CHANGED', 'The price has changed.',
      'The price that the actor saw is the standing offer, or the actor named none.'),
    ('counter_matches', 'chosen', false, 'PRICE_CHANGED', 'The price has changed.',
      'The price that the actor saw is the counter offer, or the actor named none.'),
    ('quote_matches', 'chosen', false, 'PRICE_CHANGED', 'The price has changed.',
      'The price that the actor saw is the quote, or the actor named none.'),

    -- Counts
    ('has_round_left', 'known', false, 'NEGOTIATION_LIMIT',
      'There is no further round: accept, keep your price, or end here.',
      'The brand owner may name one more price.'),
    ('is_earlier_round', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for a price after which another may follow.'),
    ('is_last_round', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for the last price that the brand owner may name.'),
    ('has_return_left', 'counted', true, 'GUARD_FAILED', null,
      'The actor may go back from typing a price once more.'),
    ('has_question_left', 'counted', false, 'GUARD_FAILED', null,
      'The details may be questioned once more.'),
    ('has_revision_left', 'known', false, 'REVISION_LIMIT',
      'No more changes can be asked for: approve, or open a dispute.',
      'One more revision may be asked for.'),
    ('has_withdrawal_left', 'counted', true, 'GUARD_FAILED', null,
      'The influencer may take back one more submission.'),
    ('has_extension_left', 'counted', false, 'GUARD_FAILED',
      'You have asked for more time as often as this deal allows.',
      'The influencer may ask for more time once more.'),
    ('has_cancellation_left', 'counted', false, 'GUARD_FAILED',
      'You have asked to cancel as often as this deal allows.',
      'The actor may ask to cancel once more.'),
    ('has_dispute_left', 'counted', false, 'GUARD_FAILED',
      'You have opened as many disputes as this deal allows.',
      'The actor may open one more dispute.'),
    ('has_closing_left', 'counted', false, 'GUARD_FAILED',
      'You have closed this chat too often today.',
      'The actor closed the chat less often in the last 24 hours than is allowed.'),
    ('has_reopening_left', 'counted', true, 'GUARD_FAILED',
      'You have opened this chat again too often today.',
      'The actor opened the chat again less often in the last 24 hours than is allowed.'),

    -- The work
    ('has_extension', 'known', false, 'GUARD_FAILED', null,
      'The influencer asked for more time and has no answer yet.'),
    ('has_submission', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for a deal in which work was submitted and not taken back.'),
    ('has_no_submission', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for a deal in which no work was submitted, or all was taken back.'),
    ('is_overdue', 'open', false, 'GUARD_FAILED', null,
      'The delivery is late by more than the days of grace.'),
    ('was_there', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row that leads back to where the conversation was before the pause.'),
    ('is_unrated', 'counted', false, 'GUARD_FAILED', null,
      'The actor has not rated this collaboration yet.'),
    ('may_rate', 'open', false, 'GUARD_FAILED', 'The time for ratings is over.',
      'The work was approved, no rating has been shown, and the chat is open or was closed less '
      'than rating_days ago.'),

    -- The money
    ('has_order', 'known', false, 'GUARD_FAILED', null,
      'A payment was asked for in this conversation.'),
    ('capture_matches', 'open', false, 'GUARD_FAILED', null,
      'The payment has the amount and the currency of the open order.'),
    ('is_new_payment', 'open', false, 'GUARD_FAILED', null, 'No book has this payment yet.'),
    ('nothing_captured', 'known', false, 'FUNDS_HELD',
      'Money was paid for this deal: it cannot just end.',
      'No money of this deal has come in.'),
    ('is_bank_dispute', 'known', false, 'GUARD_FAILED', null, 'The bank opened the dispute.')
) as g (name, certainty, undoes, code, sentence, says);

-- The guards of a list that do not hold for a step. It implements every guard.
--
-- Args: the step; the names of the guards, one about a state with its name (`was_there
-- work_in_progress`) or without; the state that the row with the guards leads to. Guards read the
-- conversation as it was before the step, and the step's input.
-- Errors: 20000 (case_not_found) for an unknown name; publishing refuses it.
create or replace function private.failed_guards(
  p_step private.flow_step,
  p_guards text[],
  p_to_state text default null
)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
  v_was constant private.conversations := p_step.before;
  v_data constant jsonb := v_was.flow_data;
  v_rules constant jsonb := p_step.rules;
  v_asked text;
  v_guard text;
  v_to_state text;
  v_what text;
  v_holds boolean;
  v_failed text[] := array[]::text[];
begin
  foreach v_asked in array p_guards loop
    v_guard := v_asked;
    v_to_state := p_to_state;
    if position(' ' in v_asked) > 0 then
      v_guard := split_part(v_asked, ' ', 1);
      v_to_state := split_part(v_asked, ' ', 2);
    end if;
    case v_guard
      when 'is_awaited' then
        v_holds := v_was.awaiting_role = p_step.role;
      -- Whether a side has not reached the rule max_<what>.
      when
        'has_return_left', 'has_withdrawal_left', 'has_extension_left', 'has_cancellation_left',
        'has_dispute_left'
      then
        v_what := replace(substr(v_guard, 5), '_left', 's');
        v_holds := coalesce((v_data #>> array['used', p_step.role, v_what])::integer, 0)
          < (v_rules ->> ('max_' || v_what))::numeric;
      when 'is_requester' then
        v_holds := v_data #>> '{cancellation,by}' = p_step.role;
      when 'is_opener' then
        v_holds := v_data #>> '{dispute,opened_by}' = p_step.role
          and v_data #>> '{dispute,origin}' = 'party';
      when 'is_closer' then
        v_holds := v_was.closed_by = p_step.actor_id;
      when 'is_unblocked' then
        v_holds := not private.is_blocked(v_was.user_a, v_was.user_b);

      when 'has_quote', 'has_counter' then
        v_holds := v_data ? (substr(v_guard, 5) || '_minor');
      -- The price that the actor saw; without one the actor agrees to the present price.
      when 'offer_matches', 'counter_matches', 'quote_matches' then
        v_holds := coalesce(
          (p_step.input -> 'price_minor')::bigint
            = (v_data -> (split_part(v_guard, '_', 1) || '_minor'))::bigint,
          true
        );

      when 'has_round_left' then
        v_holds := private.flow_count(v_data, 'negotiation_round')
          < (v_rules ->> 'max_rounds')::numeric;
      when 'is_earlier_round', 'is_last_round' then
        v_holds := (v_guard = 'is_last_round') = (
          private.flow_count(v_data, 'negotiation_round') + 1
            >= (v_rules ->> 'max_rounds')::numeric
        );
      when 'has_question_left' then
        v_holds := private.flow_count(v_data, 'questions')
          < (v_rules ->> 'max_questions')::numeric;
      when 'has_revision_left' then
        v_holds := private.flow_count(v_data, 'revision_count')
          < (v_rules ->> 'max_revisions')::numeric;
      when 'has_closing_left' then
        v_holds := private.count_today(p_step, 'real_time', 'chat_closed')
          < (v_rules ->> 'max_closings_a_day')::numeric;
      when 'has_reopening_left' then
        v_holds := private.count_today(p_step, 'chat_closed', 'real_time')
          < (v_rules ->> 'max_closings_a_day')::numeric;

      when 'has_submission', 'has_no_submission' then
        v_holds := (v_guard = 'has_submission') = coalesce(v_was.work_submitted, false);
      when 'has_extension' then
        v_holds := v_data ? 'extension';
      when 'is_overdue' then
        v_holds := p_step.at > v_was.delivery_due_at
          + (v_rules ->> 'overdue_grace_days')::numeric * interval '24 hours';
      when 'was_there' then
        v_holds := v_data #>> '{resume,state}' = v_to_state;
      when 'is_unrated' then
        v_holds := not exists (
          select from private.ratings as r
          where r.conversation_id = v_was.id and r.rater_id = p_step.actor_id
        );
      when 'may_rate' then
        v_holds := private.may_rate(v_was, v_rules, p_step.at);

      when 'has_order' then
        v_holds := exists (
          select from private.payment_orders as o where o.conversation_id = v_was.id
        );
      when 'capture_matches' then
        v_holds := exists (
          select from private.payment_orders as o
          where o.conversation_id = v_was.id
            and o.status = 'open'
            and o.amount_minor = (p_step.input -> 'amount_minor')::bigint
            and o.currency = p_step.input ->> 'currency'
        );
      when 'is_new_payment' then
        v_holds := not exists (
          select from private.escrow_ledger as e
          where e.from_account = 'gateway' and e.payment_id = p_step.input ->> 'payment_id'
        );
      when 'nothing_captured' then
        v_holds := coalesce(v_was.captured_minor, 0) = 0;
      when 'is_bank_dispute' then
        v_holds := v_data #>> '{dispute,origin}' = 'bank';

      else raise exception 'there is no guard %', v_guard using errcode = 'case_not_found';
    end case;
    if v_holds is not true then
      v_failed := v_failed || v_asked;
    end if;
  end loop;
  return v_failed;
end;
$$;

-- How often the actor led the conversation from one state to another in the last 24 hours.
create or replace function private.count_today(
  p_step private.flow_step,
  p_from_state text,
  p_to_state text
)
returns integer
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select count(*)
    from public.conversation_events as e
    where e.conversation_id = (p_step.before).id
      and e.actor_id = p_step.actor_id
      and e.from_state = p_from_state
      and e.to_state = p_to_state
      and e.effective_at > p_step.at - interval '24 hours'
  );
end;
$$;

-- Whether a deal may be rated at a time: its work was approved, no rating has been shown because
-- the other side gave none, and the chat is open or was closed less than rating_days ago.
create or replace function private.may_rate(
  p_conversation private.conversations,
  p_rules jsonb,
  p_at timestamptz
)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_since constant timestamptz := p_at
    - (p_rules ->> 'rating_days')::numeric * interval '24 hours';
begin
  return p_conversation.work_status = 'approved'
    and (p_conversation.chat_status <> 'closed' or p_conversation.entered_at > v_since)
    and not exists (
      select from private.ratings as r
      where r.conversation_id = p_conversation.id and r.created_at <= v_since
    );
end;
$$;

-- Ends the call because a guard does not hold.
--
-- Errors: PRICE_CHANGED (409) `{price, current_state, action}`, NEGOTIATION_LIMIT (409)
-- `{max_rounds, current_state, action}`, REVISION_LIMIT (409) `{max_revisions, current_state,
-- action}`, FUNDS_HELD (409) `{current_state, action}`, GUARD_FAILED (409) `{guard, current_state,
-- action}`.
create or replace function private.refuse_guard(p_step private.flow_step, p_guard text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  -- The log counts refused steps by these.
  v_where constant jsonb := jsonb_build_object(
    'current_state', (p_step.conversation).flow_state, 'action', p_step.action
  );
  v_guard private.flow_guards;
begin
  select g.* into strict v_guard from private.flow_guards as g where g.name = p_guard;
  case v_guard.code
    when 'PRICE_CHANGED' then
      perform private.raise_error(
        'PRICE_CHANGED', v_guard.sentence,
        jsonb_build_object(
          -- offer_matches compares with flow_data.offer
          'price', (p_step.conversation).flow_data -> split_part(p_guard, '_', 1)
        ) || v_where,
        p_status => 409, p_hint => 'Show the user this price and ask again.'
      );
    when 'NEGOTIATION_LIMIT' then
      perform private.raise_error(
        'NEGOTIATION_LIMIT', v_guard.sentence,
        jsonb_build_object('max_rounds', p_step.rules -> 'max_rounds') || v_where,
        p_status => 409
      );
    when 'REVISION_LIMIT' then
      perform private.raise_error(
        'REVISION_LIMIT', v_guard.sentence,
        jsonb_build_object('max_revisions', p_step.rules -> 'max_revisions') || v_where,
        p_status => 409
      );
    when 'FUNDS_HELD' then
      perform private.raise_error('FUNDS_HELD', v_guard.sentence, v_where, 409);
    else
      perform private.raise_error(
        'GUARD_FAILED', coalesce(v_guard.sentence, 'This is not possible now.'),
        jsonb_build_object('guard', p_guard) || v_where, p_status => 409,
        p_hint => 'Call get_available_actions to see what can be done now.'
      );
  end case;
end;
$$;
