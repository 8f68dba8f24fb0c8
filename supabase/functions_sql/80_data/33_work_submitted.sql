-- The brand owner reviews the submitted work.
select private.draft_state('deals', 'work_submitted', $$
{
  "title": "Work under review", "clock": "since_entry", "lasts": "7 days",
  "deadline_action": "timer_review_window", "work_status": "submitted",
  "moves": [
    {
      "name": "brand_owner_approves_work",
      "role": "brand_owner", "action": "approve_work",
      "to": "work_approved", "effects": ["approve_work", "release_funds"],
      "follow_up": "enable_real_time",
      "button": {"text": "Approve", "style": "success"},
      "inputs": [
        {"field": "feedback", "type": "textarea", "placeholder": "What did you like?"}
      ],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "Your work was approved, {released_text} is yours.", "quote": "{feedback}",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You approved the work."}
      ]
    },
    {
      "name": "brand_owner_requests_revision",
      "role": "brand_owner", "action": "request_revision", "guards": ["has_revision_left"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["request_revision"],
      "button": {"text": "Ask for a change", "style": "warning", "drawn": "both"},
      "inputs": [
        {
          "field": "feedback", "type": "textarea", "required": true,
          "placeholder": "What should change?", "input_type": "feedback"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} asks for a change.", "quote": "{feedback}",
          "title": "Revise your work", "subtitle": "Change it and submit it again.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You asked for a change."}
      ]
    },
    {
      "name": "influencer_withdraws_submission",
      "role": "influencer", "action": "withdraw_submission",
      "guards": ["has_withdrawal_left"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["withdraw_submission"],
      "button": {"text": "Take it back", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} took the submission back.", "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "You took your submission back.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        },
        {"type": "audit", "to": "actor", "text": "Submission taken back."}
      ]
    },
    {
      "name": "party_requests_cancellation",
      "role": "influencer brand_owner", "action": "request_cancellation",
      "guards": ["has_cancellation_left"],
      "to": "cancellation_requested", "awaiting": "other",
      "effects": ["propose_cancellation", "drop_extension"],
      "button": {"text": "Ask to cancel", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "party_opens_dispute",
      "role": "influencer brand_owner", "action": "raise_dispute", "guards": ["has_dispute_left"],
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"],
      "button": {"text": "Open a dispute", "style": "danger"}
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "review_window_passes",
      "role": "system", "action": "timer_review_window",
      "to": "work_approved", "effects": ["approve_work", "release_funds"],
      "reason": "auto_approved", "follow_up": "enable_real_time",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The work was approved, because the time for its review has passed.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_opens_dispute",
      "role": "system", "action": "bank_dispute_opened",
      "to": "disputed", "effects": ["open_dispute", "drop_cancellation", "drop_extension"]
    },
    {
      "name": "operator_stops_deal",
      "role": "admin", "action": "force_dispute",
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"]
    }
  ]
}
$$);
