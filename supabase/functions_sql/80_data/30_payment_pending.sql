-- The price is agreed; the brand owner pays.
select private.draft_state('deals', 'payment_pending', $$
{
  "title": "Waiting for the payment", "clock": "payment_window", "lasts": "7 days",
  "deadline_action": "timer_payment_window", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_starts_payment",
      "role": "brand_owner", "action": "proceed_to_payment", "awaiting": "brand_owner",
      "effects": ["open_order", "note_attempt"],
      "button": {"text": "Pay now", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "The payment of {agreed_text} is ready.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work."
        },
        {"type": "audit", "to": "actor", "text": "You started the payment."}
      ]
    },
    {
      "name": "party_leaves_payment",
      "role": "brand_owner", "action": "end_conversation", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} ended the conversation.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You ended the conversation."}
      ]
    },
    {
      "name": "party_leaves_payment",
      "role": "influencer", "action": "end_conversation", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "payment_arrives",
      "role": "system", "action": "payment_captured",
      "guards": ["has_order", "capture_matches", "is_new_payment"],
      "to": "payment_completed", "awaiting": "influencer", "effects": ["hold_funds"],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text":
  "Payment of {agreed_text} received ({payment_id}). It is held until you approve the work.",
          "notification": "payment"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "{agreed_text} is paid and held for you.",
          "title": "Start the work",
          "subtitle": "Delivery is due {delivery_days} days after you start.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "payment_fails",
      "role": "system", "action": "payment_failed", "guards": ["has_order"],
      "awaiting": "brand_owner", "effects": ["note_attempt"],
      "inputs": [
        {"field": "payment_id", "type": "text", "max_length": 100, "is_secret": true},
        {"field": "reason", "type": "text", "max_length": 200, "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The payment did not go through.{reason_hint}",
          "title": "Payment failed", "subtitle": "You can try again.",
          "buttons": {"proceed_to_payment": "Retry"}, "notification": "payment"
        }
      ]
    },
    {
      "name": "payment_differs",
      "role": "system", "action": "payment_mismatch", "guards": ["has_order", "is_new_payment"],
      "awaiting": "brand_owner", "effects": ["bounce_payment", "note_attempt"],
      "inputs": [
        {"field": "payment_id", "type": "text", "required": true, "max_length": 100},
        {
          "field": "amount_minor", "type": "integer", "required": true, "min": 1,
          "max": 100000000000
        },
        {"field": "currency", "type": "text", "required": true, "max_length": 3}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The amount that was paid differs from {agreed_text}; it is being refunded.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "payment_window_passes",
      "role": "system", "action": "timer_payment_window", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "payment_window_passed",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The time for the payment has passed; the deal has ended.",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);
