-- What is typed with an action. input_type is the name by which submit_text means a field. What a
-- row leaves open private.complete_limits fills in: 1 to 10000000 rupees, 1000 characters.
insert into private.flow_inputs (
  flow_id, action, field, position, type, required, min, max, max_length, placeholder, prefill,
  input_type, is_secret
)
select
  f.id, action.name, i.field,
  row_number() over (partition by f.id, action.name order by i.position),
  i.type, i.required, i.min, i.max, i.max_length, i.placeholder, i.prefill, i.input_type,
  -- Ratings are double-blind, an operator's words are for operators, and why a payment or a refund
  -- failed is the brand owner's affair.
  i.field in ('rating', 'comment', 'note', 'reference')
    or action.name in ('payment_failed', 'refund_failed')
from (
  values
    -- Words
    ('bid', 'send_project_details', 1, 'details', 'textarea', true, null::numeric, null::numeric,
      5000, 'What should be made, until when, in which form?', '{details}', 'project_details'),
    ('bid', 'request_details_change', 1, 'question', 'textarea', true, null, null,
      null, 'What do you need to know?', null, 'question'),
    ('deals', 'submit_work', 1, 'deliverables', 'textarea', true, null, null,
      5000, 'Links to what you made', null, 'work_submission'),
    ('deals', 'submit_work', 2, 'description', 'textarea', false, null, null,
      5000, 'What it is', null, null),
    ('deals', 'submit_work', 3, 'submission_notes', 'textarea', false, null, null,
      5000, 'What to know about it', null, null),
    ('deals', 'request_revision', 1, 'feedback', 'textarea', true, null, null,
      null, 'What should change?', null, 'feedback'),
    ('deals', 'approve_work', 1, 'feedback', 'textarea', false, null, null,
      null, 'What did you like?', null, null),

    -- Prices, in rupees
    ('deals', 'send_price_offer', 1, 'price', 'price', true, null, null,
      null, 'Your price in rupees', '{proposed_price}', 'price'),
    ('deals', 'submit_counter', 1, 'price', 'price', true, null, null,
      null, 'Your price in rupees', null, 'negotiation'),
    ('deals', 'negotiate_price make_counter_offer accept_price accept_counter', 1, 'price',
      'price', false, null, null, null, null, null, null),
    ('campaign', 'accept_application_at_quote', 1, 'price', 'price', false, null, null,
      null, null, null, null),

    -- Reasons
    ('campaign', 'reject_application', 9, 'reason', 'textarea', false, null, null,
      null, 'Why? (optional)', null, 'reason'),
    ('bid', 'reject_project', 9, 'reason', 'textarea', false, null, null,
      null, 'Why? (optional)', null, 'reason'),
    ('deals', 'reject_connection reject_price end_conversation decline_work '
      'cancel_before_start cancel_overdue give_up_work request_cancellation request_extension '
      'decline_cancellation decline_extension raise_dispute', 9, 'reason', 'textarea', false, null,
      null, null, 'Why? (optional)', null, 'reason'),
    ('all', 'close_conversation', 9, 'reason', 'textarea', false, null, null,
      null, 'Why? (optional)', null, 'reason'),

    -- Numbers
    ('deals', 'request_cancellation', 1, 'refund_amount', 'price', false, null, null,
      null, 'Refund in rupees; empty: all of it', null, null),
    ('deals', 'request_extension', 1, 'days', 'integer', true, 1, 30,
      null, 'How many days?', null, null),
    ('deals', 'rate_collaboration', 1, 'rating', 'integer', true, 1, 5,
      null, '1 to 5', null, null),
    ('deals', 'rate_collaboration', 2, 'comment', 'textarea', false, null, null,
      null, 'How was it?', null, null),

    -- What operators and the gateway say
    ('deals', 'force_close force_dispute', 1, 'reason', 'textarea', false, null, null,
      null, null, null, null),
    ('deals', 'resolve_release resolve_refund resolve_split resolve_resume '
      'mark_refunded_manually', 9, 'note', 'textarea', false, null, null,
      null, null, null, null),
    ('deals', 'resolve_split', 1, 'refund_amount', 'price', true, null, null,
      null, null, null, null),
    ('deals', 'mark_refunded_manually', 1, 'reference', 'text', true, null, null,
      200, null, null, null),
    ('deals', 'payment_captured payment_mismatch', 1, 'payment_id', 'text', true, null, null,
      100, null, null, null),
    ('deals', 'payment_captured payment_mismatch', 2, 'amount_minor', 'integer', true, 1,
      100000000000, null, null, null, null),
    ('deals', 'payment_captured payment_mismatch', 3, 'currency', 'text', true, null, null,
      3, null, null, null),
    ('deals', 'payment_failed refund_failed', 9, 'reason', 'text', false, null, null,
      200, null, null, null),
    ('deals', 'payment_failed bank_dispute_opened bank_dispute_lost', 1, 'payment_id', 'text',
      false, null, null, 100, null, null, null),
    ('deals', 'refund_processed', 1, 'reference', 'text', false, null, null,
      200, null, null, null)
) as i (
  kinds, actions, position, field, type, required, min, max, max_length, placeholder, prefill,
  input_type
)
cross join lateral private.draft_flows(i.kinds) as f (id)
cross join lateral unnest(string_to_array(i.actions, ' ')) as action (name);
