-- One side asked to cancel; the other side answers.
select private.draft_state('deals', 'cancellation_requested', $$
{
  "title": "A cancellation was asked for", "clock": "since_entry", "lasts": "72 hours",
  "deadline_action": "timer_cancellation",
  "moves": [
    {
      "name": "party_accepts_cancellation",
      "role": "influencer brand_owner", "action": "accept_cancellation", "guards": ["is_awaited"],
      "to": "refund_pending", "effects": ["request_agreed_refund", "drop_cancellation"],
      "button": {"text": "Agree to cancel", "style": "warning"},
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "Cancelled by agreement. The refund has started.", "notification": "payment"
        }
      ]
    },
    {
      "name": "cancellation_declined_work_resumes",
      "role": "influencer brand_owner", "action": "decline_cancellation",
      "guards": ["is_awaited", "was_there"],
      "to": "work_in_progress", "awaiting": "influencer",
      "effects": ["resume", "drop_cancellation"],
      "button": {"text": "Do not cancel", "style": "secondary"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} did not agree to cancel.", "quote": "{reason}",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "cancellation_declined_review_resumes",
      "role": "influencer brand_owner", "action": "decline_cancellation",
      "guards": ["is_awaited", "was_there"],
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["resume", "drop_cancellation"],
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} did not agree to cancel.", "quote": "{reason}",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
    },
    {
      "name": "cancellation_withdrawn_work_resumes",
      "role": "influencer brand_owner", "action": "withdraw_cancellation",
      "guards": ["is_requester", "was_there"],
      "to": "work_in_progress", "awaiting": "influencer",
      "effects": ["resume", "drop_cancellation"],
      "button": {"text": "Do not cancel after all", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} no longer asks to cancel.", "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "cancellation_withdrawn_review_resumes",
      "role": "influencer brand_owner", "action": "withdraw_cancellation",
      "guards": ["is_requester", "was_there"],
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["resume", "drop_cancellation"],
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} no longer asks to cancel.", "notification": "work"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
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
      "name": "cancellation_unanswered_work_resumes",
      "role": "system", "action": "timer_cancellation", "guards": ["was_there"],
      "to": "work_in_progress", "awaiting": "influencer",
      "effects": ["resume", "drop_cancellation"], "reason": "cancellation_unanswered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "No answer: the deal continues.",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "cancellation_unanswered_review_resumes",
      "role": "system", "action": "timer_cancellation", "guards": ["was_there"],
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["resume", "drop_cancellation"], "reason": "cancellation_unanswered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "No answer: the deal continues.",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
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
