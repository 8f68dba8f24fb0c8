-- The money is held; the influencer has not started yet.
select private.draft_state('deals', 'payment_completed', $$
{
  "title": "Paid, not started", "clock": "since_entry", "lasts": "7 days",
  "deadline_action": "timer_start_window",
  "moves": [
    {
      "name": "influencer_starts_work",
      "role": "influencer", "action": "start_work",
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["start_work"],
      "button": {"text": "Start work", "style": "success"},
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} started the work. It is due on {delivery_due}.",
          "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work is due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "influencer_declines_work",
      "role": "influencer", "action": "decline_work",
      "to": "refund_pending", "effects": ["request_refund"],
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} cannot do the work. Your refund has started.", "quote": "{reason}",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You declined the work."}
      ]
    },
    {
      "name": "brand_owner_cancels_before_start",
      "role": "brand_owner", "action": "cancel_before_start",
      "to": "refund_pending", "effects": ["request_refund"],
      "button": {"text": "Cancel", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "{brand_owner} cancelled before the work began.", "quote": "{reason}",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You cancelled. Your refund has started."}
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "start_window_passes",
      "role": "system", "action": "timer_start_window",
      "to": "refund_pending", "effects": ["request_refund"], "reason": "not_started",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The work was not started in time. The refund has started.",
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
