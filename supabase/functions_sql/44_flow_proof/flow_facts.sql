-- What the proof knows of guards, effects and roles: the closed lists that rows of a flow choose
-- from.

-- The roles that the two members of a conversation of this kind have in its flow.
create or replace function private.list_party_roles(p_kind text)
returns text[]
language sql
immutable
set search_path = ''
as $$
  select case p_kind when 'direct' then '{member}' else '{influencer,brand_owner}' end::text[];
$$;

-- The guards that rows of a flow may name, and what the proof knows of each.
--
-- certainty: `known` is decided by what the search keeps of a conversation; `chosen` holds whenever
-- the actor wants it to (a price left out matches); `open` may hold or not (clocks, blocks, counts
-- and amounts), so nothing that must be possible may hang on it. undoes: the guard lets somebody
-- take back a step of their own, which is no way forward.
create or replace view private.flow_guards as
select g.name, g.certainty, g.undoes
from (
  values
    ('is_awaited', 'known', false),
    ('is_requester', 'known', true),
    ('is_opener', 'known', true),
    ('is_closer', 'open', true),
    ('is_unblocked', 'open', false),
    ('has_quote', 'known', false),
    ('has_counter', 'known', false),
    ('offer_matches', 'chosen', false),
    ('counter_matches', 'chosen', false),
    ('quote_matches', 'chosen', false),
    ('has_round_left', 'known', false),
    ('is_earlier_round', 'known', false),
    ('is_last_round', 'known', false),
    ('has_question_left', 'open', false),
    ('has_revision_left', 'known', false),
    ('has_extension', 'known', false),
    ('is_overdue', 'open', false),
    ('was_there', 'known', false),
    ('has_order', 'known', false),
    ('capture_matches', 'open', false),
    ('is_new_payment', 'open', false),
    ('nothing_captured', 'known', false),
    ('is_bank_dispute', 'known', false),
    ('is_unrated', 'open', false)
) as g (name, certainty, undoes);

-- The effects that rows of a flow may name, and where the money of the deal must be before each and
-- is after it: `none`, `held`, `refunding` or `settled`; null where an effect moves none.
create or replace view private.flow_effects as
select e.name, e.money_before, e.money_after
from (
  values
    ('close', null, null),
    ('reopen', null, null),
    ('accept_request', null, null),
    ('reject_request', null, null),
    ('keep_details', null, null),
    ('count_question', null, null),
    ('make_offer', null, null),
    ('make_counter', null, null),
    ('hold_offer', null, null),
    ('finalize_offer', null, null),
    ('agree_on_offer', null, null),
    ('agree_on_counter', null, null),
    ('agree_on_quote', null, null),
    ('open_order', null, null),
    ('note_attempt', null, null),
    ('hold_funds', 'none', 'held'),
    ('bounce_payment', null, null),
    ('start_work', null, null),
    ('store_submission', null, null),
    ('withdraw_submission', null, null),
    ('request_revision', null, null),
    ('approve_work', null, null),
    ('release_funds', 'held', 'settled'),
    ('propose_cancellation', null, null),
    ('drop_cancellation', null, null),
    ('propose_extension', null, null),
    ('accept_extension', null, null),
    ('drop_extension', null, null),
    ('resume', null, null),
    ('open_dispute', null, null),
    ('close_dispute', null, null),
    ('request_refund', 'held', 'refunding'),
    ('request_agreed_refund', 'held', 'refunding'),
    ('request_split_refund', 'held', 'refunding'),
    ('retry_refund', null, null),
    ('settle_refund', 'refunding', 'settled'),
    ('charge_back', 'held', 'settled'),
    ('keep_rating', null, null),
    ('raise_alert', null, null)
) as e (name, money_before, money_after);

-- What effects and guards read of what was typed with the action: of which type a field must be,
-- whether it must be there, its bounds as a number or in characters, and whether the history, which
-- both sides read, may not have it. role: only rows of that role need it.
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

    -- Words
    ('keep_details', null, 'details', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'deliverables', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'description', '{text,textarea}', false, null, null, 5000, false),
    (
      'store_submission', null, 'submission_notes', '{text,textarea}', false, null, null, 5000,
      false
    ),
    ('request_revision', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),
    ('approve_work', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),

    -- Numbers
    ('keep_rating', null, 'rating', '{integer}', true, 1, 5, null, true),
    ('keep_rating', null, 'comment', '{text,textarea}', false, null, null, 1000, true),
    ('propose_extension', null, 'days', '{integer}', true, 1, 365, null, false),

    -- What the gateway and operators say
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
