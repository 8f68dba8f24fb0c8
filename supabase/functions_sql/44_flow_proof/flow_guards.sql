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

revoke all on private.flow_guards from public, anon, authenticated, service_role;
