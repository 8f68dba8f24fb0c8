-- The states of the flows, in the order of a deal that goes well. For each: its time limit and what
-- the system does after it, whether free text is open, and what a block does.
insert into private.flow_states (
  flow_id, position, state, title, waiting_on, clock, lasts, deadline_action, resumes_with,
  free_text, on_block, work_status
)
select
  f.id, row_number() over (partition by f.id order by s.position), s.state, s.title,
  s.waiting_on, s.clock, s.lasts::interval, s.deadline_action, s.resumes_with::interval,
  s.free_text, s.on_block, s.work_status
from (
  values
    ('all', 1, 'initial', 'Not there yet', 'none', null, null, null, null, false, null, null),

    -- Getting to know each other
    ('deals', 2, 'influencer_responding', 'Waiting for the influencer''s answer', 'none',
      'since_entry', '7 days', 'timer_idle', null, false, 'end_conversation', null),
    ('campaign', 3, 'brand_owner_reviewing', 'Application under review', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('bid', 4, 'brand_owner_details', 'Waiting for the project details', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('bid', 5, 'influencer_reviewing', 'The influencer reviews the project', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),

    -- The price
    ('deals', 6, 'brand_owner_pricing', 'Waiting for a price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 7, 'influencer_price_response', 'The influencer considers the price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 8, 'negotiation_input', 'A price is being typed', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 9, 'brand_owner_negotiation', 'The brand owner considers the price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 10, 'influencer_final_response', 'The influencer considers the final price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),

    -- The money, and the work
    ('deals', 11, 'payment_pending', 'Waiting for the payment', 'none',
      'payment_window', '7 days', 'timer_payment_window', null, false, 'end_conversation', null),
    ('deals', 12, 'payment_completed', 'Paid, not started', 'none',
      'since_entry', '7 days', 'timer_start_window', null, false, null, null),
    ('deals', 13, 'work_in_progress', 'Work in progress', 'none',
      'since_payment', '75 days', 'timer_work_limit', null, false, null, 'in_progress'),
    ('deals', 14, 'work_submitted', 'Work under review', 'none',
      'since_entry', '7 days', 'timer_review_window', '72 hours', false, null, 'submitted'),
    ('deals', 15, 'work_approved', 'Work approved', 'none',
      null, null, null, null, false, null, 'approved'),

    -- When it does not go well
    ('deals', 16, 'cancellation_requested', 'A cancellation was asked for', 'none',
      'since_entry', '72 hours', 'timer_cancellation', null, false, null, null),
    ('deals', 17, 'disputed', 'An operator decides', 'admin',
      'since_entry', '60 days', 'timer_dispute', null, false, null, 'disputed'),
    ('deals', 18, 'refund_pending', 'The refund is on its way', 'provider',
      null, null, null, null, false, null, 'cancelled'),

    -- Talking freely, and the end
    ('deals', 19, 'real_time', 'Free chat', 'none',
      null, null, null, null, true, 'close_conversation', null),
    ('direct', 19, 'real_time', 'Free chat', 'none', null, null, null, null, true, null, null),
    ('all', 20, 'chat_closed', 'Closed', 'none', null, null, null, null, false, null, null)
) as s (
  kinds, position, state, title, waiting_on, clock, lasts, deadline_action, resumes_with,
  free_text, on_block, work_status
)
cross join lateral private.draft_flows(s.kinds) as f (id);
