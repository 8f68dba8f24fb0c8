-- Walks that every version of the flows must allow: `role action state` a line. The proof of a flow
-- takes them (P12): without them it would not notice that one of two alternative rows is gone.
-- Every such row is in a walk.
--
-- A walk begins at the end of the walk that its second name gives; the first ones begin at the
-- start.
insert into private.flow_traces (flow_id, name, steps)
with recursive given (kinds, name, begins_with, steps) as (
  values
    -- Getting to a price
    ('bid', 'A price is named', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer accept_project brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('bid', 'The influencer declines the request', null,
      'brand_owner connect_bid influencer_responding
      influencer reject_connection chat_closed'),
    ('bid', 'The influencer ends it at the request', null,
      'brand_owner connect_bid influencer_responding
      influencer end_conversation chat_closed'),
    ('bid', 'The details are changed, then the project is declined', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer request_details_change brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer reject_project chat_closed'),
    ('bid', 'The influencer ends it at the details', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer end_conversation chat_closed'),
    ('campaign', 'A price is named', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner accept_application brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('campaign', 'An application is accepted at its quote', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner accept_application_at_quote payment_pending'),
    ('campaign', 'An application is declined', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner reject_application chat_closed'),
    ('campaign', 'The brand owner ends it at the application', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner end_conversation chat_closed'),
    ('campaign', 'An invitation is accepted', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer accept_connection brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('campaign', 'An invitation is declined', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer reject_connection chat_closed'),
    ('campaign', 'The influencer ends it at the invitation', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer end_conversation chat_closed'),

    -- The price
    ('deals', 'The price is accepted', 'A price is named',
      'influencer accept_price payment_pending'),
    ('deals', 'A counter offer is accepted', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner accept_counter payment_pending'),
    ('deals', 'The influencer thinks again', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer back influencer_price_response
      influencer accept_price payment_pending'),
    ('deals', 'All rounds are used', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner submit_counter influencer_price_response
      influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner submit_counter influencer_final_response
      influencer accept_price payment_pending'),
    ('deals', 'The brand owner thinks again and stays at the price', 'A price is named',
      'influencer reject_price brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner back brand_owner_negotiation
      brand_owner hold_price influencer_final_response
      influencer reject_price chat_closed'),
    ('deals', 'The influencer ends it at the final price', 'A price is named',
      'influencer reject_price brand_owner_negotiation
      brand_owner hold_price influencer_final_response
      influencer end_conversation chat_closed'),

    -- The payment
    ('deals', 'It is paid', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system payment_captured payment_completed'),
    ('deals', 'It is paid at the third attempt', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system payment_failed payment_pending
      brand_owner proceed_to_payment payment_pending
      system payment_mismatch payment_pending
      brand_owner proceed_to_payment payment_pending
      system payment_captured payment_completed'),
    ('deals', 'It is paid too late', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system timer_payment_window chat_closed
      system payment_captured chat_closed'),
    ('deals', 'The influencer declines the work', 'It is paid',
      'influencer decline_work refund_pending
      system refund_failed refund_pending
      system refund_processed chat_closed'),
    ('deals', 'The brand owner cancels before the start', 'It is paid',
      'brand_owner cancel_before_start refund_pending
      admin mark_refunded_manually chat_closed'),
    ('deals', 'An operator stops it before the start', 'It is paid',
      'admin force_dispute disputed
      admin resolve_resume payment_completed'),

    -- The work
    ('deals', 'The work begins', 'It is paid',
      'influencer start_work work_in_progress'),
    ('deals', 'More time is given, then refused', 'The work begins',
      'influencer request_extension work_in_progress
      brand_owner accept_extension work_in_progress
      influencer request_extension work_in_progress
      brand_owner decline_extension work_in_progress'),
    ('deals', 'The work is overdue', 'The work begins',
      'brand_owner cancel_overdue refund_pending'),
    ('deals', 'The revision is overdue', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      brand_owner cancel_overdue disputed
      brand_owner withdraw_dispute work_in_progress'),
    ('deals', 'The work never comes', 'The work begins',
      'system timer_work_limit refund_pending'),
    ('deals', 'The revision never comes, and nobody decides', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      system timer_work_limit disputed
      system timer_dispute work_approved
      system enable_real_time real_time'),
    ('deals', 'The influencer gives the work up', 'The work begins',
      'influencer give_up_work refund_pending'),
    ('deals', 'The work is submitted', 'The work begins',
      'influencer submit_work work_submitted'),
    ('deals', 'The influencer takes the work back', 'The work is submitted',
      'influencer withdraw_submission work_in_progress'),
    ('deals', 'The work is approved', 'The work is submitted',
      'brand_owner approve_work work_approved
      system enable_real_time real_time'),
    ('deals', 'The work is approved after a revision', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      influencer submit_work work_submitted
      brand_owner approve_work work_approved
      system enable_real_time real_time'),
    ('deals', 'Nobody reviews the work', 'The work is submitted',
      'system timer_review_window work_approved
      system enable_real_time real_time'),
    ('deals', 'Both rate each other after the end', 'The work is approved',
      'influencer close_conversation chat_closed
      influencer rate_collaboration chat_closed
      brand_owner rate_collaboration chat_closed'),
    ('deals', 'What may still happen in the free chat', 'The work is approved',
      'influencer rate_collaboration real_time
      brand_owner rate_collaboration real_time
      system payment_captured real_time
      system bank_dispute_opened real_time
      brand_owner close_conversation chat_closed'),

    -- Cancelling
    ('deals', 'The influencer asks to cancel, the brand owner agrees', 'The work begins',
      'influencer request_cancellation cancellation_requested
      brand_owner accept_cancellation refund_pending'),
    ('deals', 'The brand owner asks to cancel, the influencer agrees', 'The work is submitted',
      'brand_owner request_cancellation cancellation_requested
      influencer accept_cancellation refund_pending'),
    ('deals', 'The work survives every request to cancel', 'The work begins',
      'influencer request_cancellation cancellation_requested
      influencer withdraw_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      brand_owner withdraw_cancellation work_in_progress
      influencer request_cancellation cancellation_requested
      brand_owner decline_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      influencer decline_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      system timer_cancellation work_in_progress'),
    ('deals', 'The review survives every request to cancel', 'The work is submitted',
      'influencer request_cancellation cancellation_requested
      influencer withdraw_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      brand_owner withdraw_cancellation work_submitted
      influencer request_cancellation cancellation_requested
      brand_owner decline_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      influencer decline_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      system timer_cancellation work_submitted'),

    -- Disputes
    ('deals', 'The work survives every dispute', 'The work begins',
      'influencer raise_dispute disputed
      influencer withdraw_dispute work_in_progress
      brand_owner raise_dispute disputed
      brand_owner withdraw_dispute work_in_progress
      influencer request_cancellation cancellation_requested
      brand_owner raise_dispute disputed
      admin resolve_resume work_in_progress'),
    ('deals', 'The review survives every dispute', 'The work is submitted',
      'influencer raise_dispute disputed
      influencer withdraw_dispute work_submitted
      brand_owner raise_dispute disputed
      brand_owner withdraw_dispute work_submitted
      brand_owner request_cancellation cancellation_requested
      influencer raise_dispute disputed
      admin resolve_resume work_submitted'),
    ('deals', 'An operator decides for the influencer', 'The work is submitted',
      'brand_owner raise_dispute disputed
      admin resolve_release work_approved
      system enable_real_time real_time'),
    ('deals', 'An operator decides for the brand owner', 'The work begins',
      'brand_owner raise_dispute disputed
      admin resolve_refund refund_pending'),
    ('deals', 'Nobody decides a dispute about work that never came', 'The work begins',
      'influencer raise_dispute disputed
      system timer_dispute refund_pending'),
    ('deals', 'An operator shares the money', 'The work is submitted',
      'influencer raise_dispute disputed
      admin resolve_split refund_pending'),
    ('deals', 'The bank joins a dispute and takes the money back', 'The work begins',
      'influencer raise_dispute disputed
      system bank_dispute_opened disputed
      system bank_dispute_lost chat_closed'),

    ('direct', 'It is closed and opened again', null,
      'member direct_connect real_time
      member close_conversation chat_closed
      member reopen_conversation real_time')
),
of_flow as (
  select
    f.id as flow_id, g.name, g.begins_with,
    regexp_replace(g.steps, '\n +', e'\n', 'g') as steps
  from given as g
  cross join lateral private.draft_flows(g.kinds) as f (id)
),
whole as (
  select o.flow_id, o.name, o.steps from of_flow as o where o.begins_with is null
  union all
  select o.flow_id, o.name, w.steps || e'\n' || o.steps
  from whole as w
  join of_flow as o on o.flow_id = w.flow_id and o.begins_with = w.name
)
select w.flow_id, w.name, w.steps from whole as w;
