-- The deal rests until an operator or the bank decides.
select private.draft_state('deals', 'disputed', $$
{
  "title": "An operator decides", "waiting_on": "admin", "clock": "since_entry",
  "lasts": "60 days", "deadline_action": "timer_dispute", "work_status": "disputed",
  "moves": [
    {
      "name": "dispute_withdrawn_work_resumes",
      "role": "influencer brand_owner", "action": "withdraw_dispute",
      "guards": ["is_opener", "was_there"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["close_dispute", "resume"],
      "button": {"text": "Withdraw the dispute", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} withdrew the dispute. The work continues.", "notification": "dispute"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "dispute_withdrawn_review_resumes",
      "role": "influencer brand_owner", "action": "withdraw_dispute",
      "guards": ["is_opener", "was_there"],
      "to": "work_submitted", "awaiting": "brand_owner", "effects": ["close_dispute", "resume"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} withdrew the dispute. The review continues.", "notification": "dispute"
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
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "dispute_limit_passes",
      "role": "system", "action": "timer_dispute", "guards": ["has_no_submission"],
      "to": "refund_pending", "effects": ["close_dispute", "request_refund", "raise_alert"],
      "reason": "dispute_undecided",
      "messages": [
        {
          "type": "system", "to": "all",
          "text":
          "The dispute was not decided in time. No work was submitted, so the refund has started.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "dispute_limit_passes_after_submission",
      "role": "system", "action": "timer_dispute", "guards": ["has_submission"],
      "to": "work_approved",
      "effects": ["close_dispute", "approve_work", "release_funds", "raise_alert"],
      "reason": "dispute_undecided", "follow_up": "enable_real_time",
      "messages": [
        {
          "type": "system", "to": "all",
          "text":
          "The dispute was not decided in time. Work was submitted, so it counts as approved.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "bank_joins_dispute",
      "role": "system", "action": "bank_dispute_opened", "effects": ["open_dispute"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The bank, too, is looking into the payment.", "notification": "dispute"
        }
      ]
    },
    {
      "name": "bank_takes_money_back",
      "role": "system", "action": "bank_dispute_lost", "guards": ["is_bank_dispute"],
      "to": "chat_closed", "effects": ["close_dispute", "charge_back", "close"],
      "reason": "charged_back",
      "inputs": [
        {"field": "payment_id", "type": "text", "max_length": 100}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The bank took the payment back. The deal has ended.",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "operator_releases_money",
      "role": "admin", "action": "resolve_release",
      "to": "work_approved", "effects": ["close_dispute", "approve_work", "release_funds"],
      "follow_up": "enable_real_time",
      "inputs": [
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The operator decided for the influencer: the work is approved.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "operator_refunds_money",
      "role": "admin", "action": "resolve_refund",
      "to": "refund_pending", "effects": ["close_dispute", "request_refund"],
      "inputs": [
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The operator decided for the brand owner: the refund has started.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "operator_splits_money",
      "role": "admin", "action": "resolve_split",
      "to": "refund_pending", "effects": ["close_dispute", "request_split_refund"],
      "inputs": [
        {"field": "refund_amount", "type": "price", "required": true},
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The operator decided to share the money: {refund_text} is being refunded.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "operator_resumes_work",
      "role": "admin", "action": "resolve_resume", "guards": ["was_there"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["close_dispute", "resume"],
      "inputs": [
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {"type": "system", "to": "all", "text": "The work continues.", "notification": "dispute"},
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "operator_resumes_review",
      "role": "admin", "action": "resolve_resume", "guards": ["was_there"],
      "to": "work_submitted", "awaiting": "brand_owner", "effects": ["close_dispute", "resume"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The review continues.", "notification": "dispute"
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
      "name": "operator_resumes_start",
      "role": "admin", "action": "resolve_resume", "guards": ["was_there"],
      "to": "payment_completed", "awaiting": "influencer", "effects": ["close_dispute", "resume"],
      "messages": [
        {"type": "system", "to": "all", "text": "The deal continues.", "notification": "dispute"},
        {
          "type": "automated", "to": "influencer",
          "text": "{agreed_text} is paid and held for you.",
          "title": "Start the work",
          "subtitle": "Delivery is due {delivery_days} days after you start."
        }
      ]
    }
  ]
}
$$);
