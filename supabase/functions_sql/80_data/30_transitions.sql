-- The moves between the states: who may do what where, under which guards, where it leads, who is
-- awaited then, and its effects. A row for several states or roles stands for one of each; without
-- a next state it stays where it is.
insert into private.flow_transitions (
  flow_id, name, position, from_state, role, action, guards, to_state, awaiting, effects, reason,
  follow_up
)
select
  f.id, t.name,
  -- T12 before T117 before T117b
  substring(t.name from '[0-9]+')::integer * 10 + position(right(t.name, 1) in 'abc'),
  state.name, role.name, t.action, t.guards::text[], coalesce(t.to_state, state.name), t.awaiting,
  t.effects::text[], t.reason, t.follow_up
from (
  values
    -- Creation
    ('bid', 'T01', 'initial', 'brand_owner', 'connect_bid',
      '{}', 'influencer_responding', 'influencer', '{}', null, null),
    ('campaign', 'T02', 'initial', 'influencer', 'apply_to_campaign',
      '{}', 'brand_owner_reviewing', 'brand_owner', '{}', null, null),
    ('campaign', 'T03', 'initial', 'brand_owner', 'invite_to_campaign',
      '{}', 'influencer_responding', 'influencer', '{}', null, null),
    ('direct', 'T04', 'initial', 'member', 'direct_connect',
      '{}', 'real_time', null, '{}', null, null),

    -- Connection and application
    ('bid', 'T10', 'influencer_responding', 'influencer', 'accept_connection',
      '{}', 'brand_owner_details', 'brand_owner', '{}', null, null),
    ('campaign', 'T11', 'influencer_responding', 'influencer', 'accept_connection',
      '{}', 'brand_owner_pricing', 'brand_owner', '{}', null, null),
    ('deals', 'T12', 'influencer_responding', 'influencer', 'reject_connection',
      '{}', 'chat_closed', null, '{close}', 'connection_rejected', null),
    ('campaign', 'T20', 'brand_owner_reviewing', 'brand_owner', 'accept_application',
      '{}', 'brand_owner_pricing', 'brand_owner', '{accept_request}', null, null),
    ('campaign', 'T21', 'brand_owner_reviewing', 'brand_owner', 'accept_application_at_quote',
      '{has_quote,quote_matches}', 'payment_pending', 'brand_owner',
      '{accept_request,agree_on_quote}', null, null),
    ('campaign', 'T22', 'brand_owner_reviewing', 'brand_owner', 'reject_application',
      '{}', 'chat_closed', null, '{reject_request,close}', 'application_rejected', null),

    -- Project details
    ('bid', 'T30', 'brand_owner_details', 'brand_owner', 'send_project_details',
      '{}', 'influencer_reviewing', 'influencer', '{keep_details}', null, null),
    ('bid', 'T40', 'influencer_reviewing', 'influencer', 'accept_project',
      '{}', 'brand_owner_pricing', 'brand_owner', '{}', null, null),
    ('bid', 'T41', 'influencer_reviewing', 'influencer', 'request_details_change',
      '{has_question_left}', 'brand_owner_details', 'brand_owner', '{count_question}', null, null),
    ('bid', 'T42', 'influencer_reviewing', 'influencer', 'reject_project',
      '{}', 'chat_closed', null, '{close}', 'project_rejected', null),

    -- Price and negotiation
    ('deals', 'T50', 'brand_owner_pricing', 'brand_owner', 'send_price_offer',
      '{}', 'influencer_price_response', 'influencer', '{make_offer}', null, null),
    ('deals', 'T60', 'influencer_price_response', 'influencer', 'accept_price',
      '{offer_matches}', 'payment_pending', 'brand_owner', '{agree_on_offer}', null, null),
    ('deals', 'T61', 'influencer_price_response', 'influencer', 'negotiate_price',
      '{}', 'negotiation_input', 'influencer', '{}', null, 'submit_counter'),
    ('deals', 'T63', 'influencer_price_response', 'influencer', 'reject_price',
      '{}', 'brand_owner_negotiation', 'brand_owner', '{}', null, null),
    ('deals', 'T65', 'negotiation_input', 'influencer', 'submit_counter',
      '{is_awaited}', 'brand_owner_negotiation', 'brand_owner', '{make_counter}', null, null),
    ('deals', 'T66', 'negotiation_input', 'influencer', 'back',
      '{is_awaited}', 'influencer_price_response', 'influencer', '{}', null, null),
    ('deals', 'T67', 'negotiation_input', 'brand_owner', 'submit_counter',
      '{is_awaited,is_earlier_round}', 'influencer_price_response', 'influencer',
      '{make_offer}', null, null),
    ('deals', 'T68', 'negotiation_input', 'brand_owner', 'submit_counter',
      '{is_awaited,is_last_round}', 'influencer_final_response', 'influencer',
      '{finalize_offer,make_offer}', null, null),
    ('deals', 'T69', 'negotiation_input', 'brand_owner', 'back',
      '{is_awaited}', 'brand_owner_negotiation', 'brand_owner', '{}', null, null),
    ('deals', 'T70', 'brand_owner_negotiation', 'brand_owner', 'accept_counter',
      '{has_counter,counter_matches}', 'payment_pending', 'brand_owner', '{agree_on_counter}',
      null, null),
    ('deals', 'T71', 'brand_owner_negotiation', 'brand_owner', 'make_counter_offer',
      '{has_round_left}', 'negotiation_input', 'brand_owner', '{}', null, 'submit_counter'),
    ('deals', 'T72', 'brand_owner_negotiation', 'brand_owner', 'hold_price',
      '{}', 'influencer_final_response', 'influencer', '{hold_offer}', null, null),
    ('deals', 'T80', 'influencer_final_response', 'influencer', 'accept_price',
      '{offer_matches}', 'payment_pending', 'brand_owner', '{agree_on_offer}', null, null),
    ('deals', 'T81', 'influencer_final_response', 'influencer', 'reject_price',
      '{}', 'chat_closed', null, '{close}', 'price_not_agreed', null),

    -- Leaving before the payment
    ('bid', 'T85', 'influencer_responding brand_owner_details influencer_reviewing '
      'brand_owner_pricing influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'influencer brand_owner', 'end_conversation',
      '{}', 'chat_closed', null, '{close}', 'ended_by_{role}', null),
    ('campaign', 'T85', 'influencer_responding brand_owner_reviewing brand_owner_pricing '
      'influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'influencer brand_owner', 'end_conversation',
      '{}', 'chat_closed', null, '{close}', 'ended_by_{role}', null),
    ('bid', 'T86', 'influencer_responding brand_owner_details influencer_reviewing '
      'brand_owner_pricing influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'system', 'timer_idle',
      '{}', 'chat_closed', null, '{close}', 'expired', null),
    ('campaign', 'T86', 'influencer_responding brand_owner_reviewing brand_owner_pricing '
      'influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'system', 'timer_idle',
      '{}', 'chat_closed', null, '{close}', 'expired', null),

    -- Payment
    ('deals', 'T90', 'payment_pending', 'brand_owner', 'proceed_to_payment',
      '{}', null, 'brand_owner', '{open_order,note_attempt}', null, null),
    ('deals', 'T91', 'payment_pending', 'system', 'payment_captured',
      '{has_order,capture_matches,is_new_payment}', 'payment_completed', 'influencer',
      '{hold_funds}', null, null),
    ('deals', 'T92', 'payment_pending', 'system', 'payment_failed',
      '{has_order}', null, 'brand_owner', '{note_attempt}', null, null),
    ('deals', 'T93', 'payment_pending', 'system', 'payment_mismatch',
      '{has_order,is_new_payment}', null, 'brand_owner',
      '{bounce_payment,note_attempt}', null, null),
    ('deals', 'T94', 'payment_pending', 'influencer brand_owner', 'end_conversation',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'ended_by_{role}', null),
    ('deals', 'T95', 'payment_pending', 'system', 'timer_payment_window',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'payment_window_passed', null),
    ('deals', 'T96', 'chat_closed', 'system', 'payment_captured',
      '{has_order,is_new_payment}', null, null, '{bounce_payment}', 'late_payment', null),
    ('deals', 'T97', 'payment_completed work_in_progress work_submitted cancellation_requested '
      'disputed refund_pending real_time', 'system', 'payment_captured',
      '{is_new_payment}', null, 'unchanged', '{bounce_payment}', 'second_payment', null),

    -- Paid, not started
    ('deals', 'T100', 'payment_completed', 'influencer', 'start_work',
      '{}', 'work_in_progress', 'influencer', '{start_work}', null, null),
    ('deals', 'T101', 'payment_completed', 'influencer', 'decline_work',
      '{}', 'refund_pending', null, '{request_refund}', null, null),
    ('deals', 'T102', 'payment_completed', 'brand_owner', 'cancel_before_start',
      '{}', 'refund_pending', null, '{request_refund}', null, null),
    ('deals', 'T103', 'payment_completed', 'system', 'timer_start_window',
      '{}', 'refund_pending', null, '{request_refund}', 'not_started', null),

    -- Work, revision, extension
    ('deals', 'T110', 'work_in_progress', 'influencer', 'submit_work',
      '{}', 'work_submitted', 'brand_owner', '{store_submission,drop_extension}', null, null),
    ('deals', 'T111', 'work_in_progress', 'influencer brand_owner', 'request_cancellation',
      '{}', 'cancellation_requested', 'other', '{propose_cancellation,drop_extension}',
      null, null),
    ('deals', 'T112', 'work_in_progress work_submitted', 'influencer brand_owner',
      'raise_dispute', '{}', 'disputed', null, '{open_dispute,drop_extension,raise_alert}',
      null, null),
    ('deals', 'T113', 'work_in_progress', 'brand_owner', 'cancel_overdue',
      '{is_overdue}', 'refund_pending', null, '{request_refund,drop_extension}', null, null),
    ('deals', 'T114', 'work_in_progress', 'influencer', 'give_up_work',
      '{}', 'refund_pending', null, '{request_refund,drop_extension}', null, null),
    ('deals', 'T115', 'work_in_progress', 'system', 'timer_work_limit',
      '{}', 'refund_pending', null, '{request_refund,drop_extension}', 'not_delivered', null),
    ('deals', 'T116', 'work_in_progress', 'influencer', 'request_extension',
      '{}', null, 'influencer', '{propose_extension}', null, null),
    ('deals', 'T117', 'work_in_progress', 'brand_owner', 'accept_extension',
      '{has_extension}', null, 'influencer', '{accept_extension}', null, null),
    ('deals', 'T117b', 'work_in_progress', 'brand_owner', 'decline_extension',
      '{has_extension}', null, 'influencer', '{drop_extension}', null, null),
    ('deals', 'T120', 'work_submitted', 'brand_owner', 'approve_work',
      '{}', 'work_approved', null, '{approve_work,release_funds}', null, 'enable_real_time'),
    ('deals', 'T121', 'work_approved', 'system', 'enable_real_time',
      '{}', 'real_time', null, '{}', null, null),
    ('deals', 'T122', 'work_submitted', 'brand_owner', 'request_revision',
      '{has_revision_left}', 'work_in_progress', 'influencer', '{request_revision}', null, null),
    ('deals', 'T124', 'work_submitted', 'influencer brand_owner', 'request_cancellation',
      '{}', 'cancellation_requested', 'other', '{propose_cancellation}', null, null),
    ('deals', 'T125', 'work_submitted', 'system', 'timer_review_window',
      '{}', 'work_approved', null, '{approve_work,release_funds}', 'auto_approved',
      'enable_real_time'),
    ('deals', 'T126', 'work_submitted', 'influencer', 'withdraw_submission',
      '{}', 'work_in_progress', 'influencer', '{withdraw_submission}', null, null),

    -- Cancellation by agreement
    ('deals', 'T130', 'cancellation_requested', 'influencer brand_owner', 'accept_cancellation',
      '{is_awaited}', 'refund_pending', null, '{request_agreed_refund,drop_cancellation}',
      null, null),
    ('deals', 'T131', 'cancellation_requested', 'influencer brand_owner', 'decline_cancellation',
      '{is_awaited,was_there}', 'work_in_progress', 'influencer', '{resume,drop_cancellation}',
      null, null),
    ('deals', 'T132', 'cancellation_requested', 'influencer brand_owner', 'decline_cancellation',
      '{is_awaited,was_there}', 'work_submitted', 'brand_owner', '{resume,drop_cancellation}',
      null, null),
    ('deals', 'T133', 'cancellation_requested', 'influencer brand_owner', 'withdraw_cancellation',
      '{is_requester,was_there}', 'work_in_progress', 'influencer',
      '{resume,drop_cancellation}', null, null),
    ('deals', 'T134', 'cancellation_requested', 'influencer brand_owner', 'withdraw_cancellation',
      '{is_requester,was_there}', 'work_submitted', 'brand_owner',
      '{resume,drop_cancellation}', null, null),
    ('deals', 'T135', 'cancellation_requested', 'system', 'timer_cancellation',
      '{was_there}', 'work_in_progress', 'influencer', '{resume,drop_cancellation}',
      'cancellation_unanswered', null),
    ('deals', 'T136', 'cancellation_requested', 'system', 'timer_cancellation',
      '{was_there}', 'work_submitted', 'brand_owner', '{resume,drop_cancellation}',
      'cancellation_unanswered', null),
    ('deals', 'T137', 'cancellation_requested', 'influencer brand_owner', 'raise_dispute',
      '{}', 'disputed', null, '{open_dispute,drop_cancellation,raise_alert}', null, null),

    -- Dispute
    ('deals', 'T140', 'disputed', 'admin', 'resolve_release',
      '{}', 'work_approved', null, '{close_dispute,approve_work,release_funds}', null,
      'enable_real_time'),
    ('deals', 'T141', 'disputed', 'admin', 'resolve_refund',
      '{}', 'refund_pending', null, '{close_dispute,request_refund}', null, null),
    ('deals', 'T142', 'disputed', 'admin', 'resolve_split',
      '{}', 'refund_pending', null, '{close_dispute,request_split_refund}', null, null),
    ('deals', 'T143', 'disputed', 'admin', 'resolve_resume',
      '{was_there}', 'work_in_progress', 'influencer', '{close_dispute,resume}', null, null),
    ('deals', 'T143b', 'disputed', 'influencer brand_owner', 'withdraw_dispute',
      '{is_opener,was_there}', 'work_in_progress', 'influencer', '{close_dispute,resume}',
      null, null),
    ('deals', 'T144', 'disputed', 'admin', 'resolve_resume',
      '{was_there}', 'work_submitted', 'brand_owner', '{close_dispute,resume}', null, null),
    ('deals', 'T144b', 'disputed', 'admin', 'resolve_resume',
      '{was_there}', 'payment_completed', 'influencer', '{close_dispute,resume}', null, null),
    ('deals', 'T144c', 'disputed', 'influencer brand_owner', 'withdraw_dispute',
      '{is_opener,was_there}', 'work_submitted', 'brand_owner', '{close_dispute,resume}',
      null, null),
    ('deals', 'T145', 'disputed', 'system', 'timer_dispute',
      '{}', 'refund_pending', null, '{close_dispute,request_refund,raise_alert}',
      'dispute_undecided', null),
    ('deals', 'T146', 'payment_completed work_in_progress work_submitted cancellation_requested',
      'system', 'bank_dispute_opened',
      '{}', 'disputed', null, '{open_dispute,drop_cancellation,drop_extension}', null, null),
    ('deals', 'T146b', 'disputed', 'system', 'bank_dispute_opened',
      '{}', null, null, '{open_dispute}', null, null),
    ('deals', 'T147', 'disputed', 'system', 'bank_dispute_lost',
      '{is_bank_dispute}', 'chat_closed', null, '{close_dispute,charge_back,close}',
      'charged_back', null),

    -- Refund
    ('deals', 'T150', 'refund_pending', 'system', 'refund_processed',
      '{}', 'chat_closed', null, '{settle_refund,close}', 'refunded', null),
    ('deals', 'T151', 'refund_pending', 'system', 'refund_failed',
      '{}', null, null, '{retry_refund}', null, null),
    ('deals', 'T152', 'refund_pending', 'admin', 'mark_refunded_manually',
      '{}', 'chat_closed', null, '{settle_refund,close}', 'refunded', null),

    -- Free chat and closing
    ('deals', 'T161', 'real_time', 'influencer brand_owner', 'close_conversation',
      '{}', 'chat_closed', null, '{close}', 'closed_by_{role}', null),
    ('direct', 'T161', 'real_time', 'member', 'close_conversation',
      '{}', 'chat_closed', null, '{close}', 'closed_by_{role}', null),
    ('deals', 'T162', 'real_time', 'influencer brand_owner', 'rate_collaboration',
      '{is_unrated}', null, null, '{keep_rating}', null, null),
    ('direct', 'T170', 'chat_closed', 'member', 'reopen_conversation',
      '{is_closer,is_unblocked}', 'real_time', null, '{reopen}', null, null),

    -- Operators, and the bank
    ('bid', 'T180', 'influencer_responding brand_owner_details influencer_reviewing '
      'brand_owner_pricing influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response payment_pending', 'admin', 'force_close',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'closed_by_operator', null),
    ('campaign', 'T180', 'influencer_responding brand_owner_reviewing brand_owner_pricing '
      'influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response payment_pending', 'admin', 'force_close',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'closed_by_operator', null),
    ('deals', 'T181', 'payment_completed work_in_progress work_submitted cancellation_requested',
      'admin', 'force_dispute',
      '{}', 'disputed', null, '{open_dispute,drop_cancellation,drop_extension,raise_alert}',
      null, null),
    ('deals', 'T182', 'refund_pending real_time', 'system', 'bank_dispute_opened',
      '{}', null, 'unchanged', '{}', 'bank_dispute_late', null),
    ('deals', 'T182b', 'chat_closed', 'system', 'bank_dispute_opened',
      '{has_order}', null, null, '{}', 'bank_dispute_late', null)
) as t (
  kinds, name, states, roles, action, guards, to_state, awaiting, effects, reason, follow_up
)
cross join lateral private.draft_flows(t.kinds) as f (id)
cross join lateral unnest(string_to_array(t.states, ' ')) as state (name)
cross join lateral unnest(string_to_array(t.roles, ' ')) as role (name);
