-- The facts about inputs and roles that the proof uses. Those about guards and effects are beside
-- their code: private.flow_guards in failed_guards.sql, private.flow_effects in flow_effects.sql.

-- The roles that the two members of a conversation of this kind have in its flow.
create or replace function private.list_party_roles(p_kind text)
returns text[]
language sql
immutable
set search_path = ''
as $$
  select case p_kind when 'direct' then '{member}' else '{influencer,brand_owner}' end::text[];
$$;

-- The guards that count: the rule with their limit, and the effect that counts. A row with a guard
-- and its effect can be taken only so often.
create or replace view private.flow_allowances as
select a.guard, a.rule, a.effect
from (
  values
    ('has_round_left', 'max_rounds', null),
    ('is_earlier_round', 'max_rounds', 'make_offer'),
    ('is_last_round', 'max_rounds', 'make_offer'),
    ('has_return_left', 'max_returns', 'count_return'),
    ('has_question_left', 'max_questions', 'count_question'),
    ('has_revision_left', 'max_revisions', 'request_revision'),
    ('has_withdrawal_left', 'max_withdrawals', 'withdraw_submission'),
    ('has_extension_left', 'max_extensions', 'propose_extension'),
    ('has_cancellation_left', 'max_cancellations', 'propose_cancellation'),
    ('has_dispute_left', 'max_disputes', 'open_dispute'),
    ('has_closing_left', 'max_closings_a_day', 'close'),
    ('has_reopening_left', 'max_closings_a_day', 'reopen'),
    ('is_unrated', null, 'keep_rating')
) as a (guard, rule, effect);

-- The input fields that effects and guards read: the type of a field, whether it is required, its
-- bounds as a number or in characters, and whether it must stay out of the history, which both
-- sides read. role: only rows of that role need it.
create or replace view private.flow_needs as
select
  n.name, n.role, n.field, n.types::text[], n.is_required, n.low, n.high, n.max_length, n.is_secret
from (
  values
    -- Prices
    ('make_offer', null, 'price', '{price}', true, null, null, null, false),
    ('make_counter', null, 'price', '{price}', true, null, null, null, false),
    ('agree_on_offer', null, 'price', '{price}', false, null, null, null, false),
    ('agree_on_counter', null, 'price', '{price}', false, null, null, null, false),
    ('agree_on_quote', null, 'price', '{price}', false, null, null, null, false),
    ('offer_matches', null, 'price', '{price}', false, null, null, null, false),
    ('counter_matches', null, 'price', '{price}', false, null, null, null, false),
    ('quote_matches', null, 'price', '{price}', false, null, null, null, false),
    ('propose_cancellation', null, 'refund_amount', '{price}', false, null, null, null, false),
    ('request_split_refund', null, 'refund_amount', '{price}', true, null, null, null, false),

    -- Texts
    ('keep_details', null, 'details', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'deliverables', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'description', '{text,textarea}', false, null, null, 5000, false),
    (
      'store_submission', null, 'submission_notes', '{text,textarea}', false, null, null, 5000,
      false
    ),
    ('store_submission', null, 'attachments', '{file}', false, null, null, null, false),
    ('request_revision', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),
    ('approve_work', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),

    -- Numbers
    ('keep_rating', null, 'rating', '{integer}', true, 1, 5, null, true),
    ('keep_rating', null, 'comment', '{text,textarea}', false, null, null, 1000, true),
    ('propose_extension', null, 'days', '{integer}', true, 1, 365, null, false),

    -- Input of the gateway and of operators
    ('hold_funds', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('hold_funds', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('hold_funds', null, 'currency', '{text}', true, null, null, 3, false),
    ('bounce_payment', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('bounce_payment', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('bounce_payment', null, 'currency', '{text}', true, null, null, 3, false),
    ('is_new_payment', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('capture_matches', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('capture_matches', null, 'currency', '{text}', true, null, null, 3, false),
    ('settle_refund', null, 'reference', '{text}', false, null, null, 200, false),
    ('settle_refund', 'admin', 'reference', '{text}', true, null, null, 200, false),
    ('settle_refund', null, 'note', '{text,textarea}', false, null, null, 5000, true),
    ('close_dispute', null, 'note', '{text,textarea}', false, null, null, 5000, true)
) as n (name, role, field, types, is_required, low, high, max_length, is_secret);
