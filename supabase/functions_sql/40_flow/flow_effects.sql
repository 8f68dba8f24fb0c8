-- The effects of the flow: what each does, and the state of the deal's money before and after it:
-- `none`, `held`, `refunding` or `settled`; null where an effect moves none. gives_time: after it
-- the awaited side has the state's whole time, although the deadline counts from an earlier moment.
create or replace view private.flow_effects as
select
  e.name, e.money_before, e.money_after,
  e.name in ('start_work', 'request_revision', 'resume') as gives_time,
  e.says
from (
  values
    -- private.affect_requests
    ('close', null, null, 'Records why and by whom the conversation was closed, closes the '
      'application and cancels the open payment order.'),
    ('reopen', null, null, 'Forgets why and by whom the conversation was closed.'),
    ('accept_request', null, null, 'Accepts the application.'),
    ('reject_request', null, null, 'Rejects the application.'),
    ('keep_details', null, null, 'Stores the project details and counts their versions.'),
    ('count_question', null, null, 'Counts a question about the project details.'),

    -- private.affect_offers
    ('make_offer', null, null,
      'Records the brand owner''s price as the standing offer of a new round; drops the counter '
      'offer.'),
    ('make_counter', null, null, 'Records the influencer''s price as the counter offer.'),
    ('hold_offer', null, null, 'Records the standing offer as the final one.'),
    ('finalize_offer', null, null,
      'Marks the offer that is made in this step as the final one; comes before make_offer.'),
    ('agree_on_offer', null, null, 'Fixes the standing offer as the agreed price.'),
    ('agree_on_counter', null, null, 'Fixes the counter offer as the agreed price.'),
    ('agree_on_quote', null, null, 'Fixes the quote of the application as the agreed price.'),
    ('count_return', null, null, 'Counts that the actor went back from typing a price.'),

    -- private.affect_money
    ('open_order', null, null,
      'Opens the payment order for the agreed amount, or takes the one that is open.'),
    ('note_attempt', null, null,
      'Records a payment attempt, so that the time limit waits for what may still come.'),
    ('hold_funds', 'none', 'held', 'Books the payment as held.'),
    ('bounce_payment', null, null,
      'Books the payment as bounced and requests its whole refund; it never counts as held.'),
    ('release_funds', 'held', 'settled',
      'Releases what is held to the influencer, less the fee, and creates the payout.'),
    ('request_refund', 'held', 'refunding', 'Requests a refund of all that is held.'),
    ('request_agreed_refund', 'held', 'refunding',
      'Requests the refund that both sides agreed on; none named means all.'),
    ('request_split_refund', 'held', 'refunding',
      'Requests the part that the operator decided on.'),
    ('retry_refund', null, null, 'Counts the failed attempt; the refund stays requested.'),
    ('settle_refund', 'refunding', 'settled',
      'Books the refund as sent, and releases the rest to the influencer, less the fee.'),
    ('charge_back', 'held', 'settled', 'Books what was held as taken back by the bank.'),

    -- private.affect_work
    ('start_work', null, null, 'Sets the day on which the delivery is due.'),
    ('store_submission', null, null, 'Stores the submission with the next number.'),
    ('withdraw_submission', null, null,
      'Withdraws the newest submission; an earlier one counts again.'),
    ('request_revision', null, null,
      'Counts a revision, marks the submission and gives the delivery the time of a revision.'),
    ('approve_work', null, null, 'Approves the newest submission.'),
    ('propose_extension', null, null, 'Stores the days that the influencer asks for.'),
    ('accept_extension', null, null,
      'Moves the delivery by the days asked for, and the time limit of the work with it.'),
    ('drop_extension', null, null, 'Clears the pending extension request.'),
    ('keep_rating', null, null, 'Stores the actor''s rating, hidden from the other side.'),

    -- private.affect_disputes
    ('propose_cancellation', null, null,
      'Stores who asks to cancel and for which refund, and where the deal was.'),
    ('drop_cancellation', null, null, 'Clears the pending cancellation request.'),
    ('resume', null, null,
      'Takes the deal back to where it was before the pause, with the time that it took, unless it '
      'was asked for by the party whose time it is.'),
    ('open_dispute', null, null, 'Opens a dispute, stops the clocks and places a legal hold.'),
    ('escalate', null, null,
      'Opens a dispute that nobody asked for, because a time limit passed.'),
    ('close_dispute', null, null,
      'Closes the dispute with this action as its verdict and lifts the legal hold.'),
    ('raise_alert', null, null, 'Alerts the operators.')
) as e (name, money_before, money_after, says);
