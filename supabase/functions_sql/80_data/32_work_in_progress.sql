-- The influencer works.
select private.draft_state('deals', 'work_in_progress', $$
{
  "title": "Work in progress", "clock": "since_payment", "lasts": "75 days",
  "deadline_action": "timer_work_limit", "work_status": "in_progress",
  "moves": [
    {
      "name": "influencer_submits_work",
      "role": "influencer", "action": "submit_work",
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["store_submission", "drop_extension"],
      "button": {"text": "Submit work", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "deliverables", "type": "textarea", "required": true, "max_length": 5000,
          "placeholder": "Links to what you made", "input_type": "work_submission"
        },
        {
          "field": "description", "type": "textarea", "max_length": 5000,
          "placeholder": "What it is"
        },
        {
          "field": "submission_notes", "type": "textarea", "max_length": 5000,
          "placeholder": "What to know about it"
        },
        {"field": "attachments", "type": "file", "placeholder": "Files"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} submitted the work.",
          "quote": "{deliverables}\n{description}\n{submission_notes}",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}.", "notification": "review"
        },
        {"type": "audit", "to": "actor", "text": "Work submitted."}
      ]
    },
    {
      "name": "brand_owner_grants_extension",
      "role": "brand_owner", "action": "accept_extension", "guards": ["has_extension"],
      "awaiting": "influencer", "effects": ["accept_extension"],
      "button": {"text": "Give more time", "style": "success"},
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "You have more time: the work is due on {delivery_due}.", "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work is due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        },
        {"type": "audit", "to": "actor", "text": "You gave more time."}
      ]
    },
    {
      "name": "brand_owner_declines_extension",
      "role": "brand_owner", "action": "decline_extension", "guards": ["has_extension"],
      "awaiting": "influencer", "effects": ["drop_extension"],
      "button": {"text": "No more time", "style": "secondary"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "{brand_owner} gave no more time: the work is due on {delivery_due}.",
          "quote": "{reason}",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You declined more time."}
      ]
    },
    {
      "name": "brand_owner_cancels_overdue_work",
      "role": "brand_owner", "action": "cancel_overdue",
      "guards": ["is_overdue", "has_no_submission"],
      "to": "refund_pending", "effects": ["request_refund", "drop_extension"],
      "button": {"text": "Cancel: overdue", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "{brand_owner} cancelled because the work is overdue.", "quote": "{reason}",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You cancelled. Your refund has started."}
      ]
    },
    {
      "name": "brand_owner_disputes_overdue_revision",
      "role": "brand_owner", "action": "cancel_overdue",
      "guards": ["is_overdue", "has_submission", "has_dispute_left"],
      "to": "disputed", "effects": ["open_dispute", "drop_extension", "raise_alert"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{brand_owner} cancels: the revision is overdue. An operator will decide.",
          "quote": "{reason}", "notification": "dispute"
        }
      ]
    },
    {
      "name": "influencer_requests_extension",
      "role": "influencer", "action": "request_extension", "guards": ["has_extension_left"],
      "awaiting": "influencer", "effects": ["propose_extension"],
      "button": {"text": "Ask for more time", "style": "secondary"},
      "inputs": [
        {
          "field": "days", "type": "integer", "required": true, "min": 1, "max": 30,
          "placeholder": "How many days?"
        },
        {
          "field": "reason", "type": "textarea",
          "placeholder": "Why? (optional)", "input_type": "reason"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} asks for {days} more days.", "quote": "{reason}",
          "title": "More time?", "subtitle": "The work is due on {delivery_due}.",
          "buttons": {"accept_extension": null, "decline_extension": null},
          "notification": "action_required"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work is due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        },
        {"type": "audit", "to": "actor", "text": "You asked for {days} more days."}
      ]
    },
    {
      "name": "party_requests_cancellation",
      "role": "influencer brand_owner", "action": "request_cancellation",
      "guards": ["has_cancellation_left"],
      "to": "cancellation_requested", "awaiting": "other",
      "effects": ["propose_cancellation", "drop_extension"],
      "button": {"text": "Ask to cancel", "style": "secondary"}
    },
    {
      "name": "party_opens_dispute",
      "role": "influencer brand_owner", "action": "raise_dispute", "guards": ["has_dispute_left"],
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"],
      "button": {"text": "Open a dispute", "style": "danger"}
    },
    {
      "name": "influencer_gives_up_work",
      "role": "influencer", "action": "give_up_work",
      "to": "refund_pending", "effects": ["request_refund", "drop_extension"],
      "button": {"text": "Give up", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} gave the work up. Your refund has started.", "quote": "{reason}",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You gave the work up."}
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "work_limit_passes",
      "role": "system", "action": "timer_work_limit", "guards": ["has_no_submission"],
      "to": "refund_pending", "effects": ["request_refund", "drop_extension"],
      "reason": "not_delivered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The work was not delivered in time. The refund has started.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "revision_limit_passes",
      "role": "system", "action": "timer_work_limit", "guards": ["has_submission"],
      "to": "disputed", "effects": ["escalate", "drop_extension", "raise_alert"],
      "reason": "revision_not_delivered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The revision was not delivered in time. An operator will decide.",
          "notification": "dispute"
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
