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

revoke all on private.flow_effects from public, anon, authenticated, service_role;
