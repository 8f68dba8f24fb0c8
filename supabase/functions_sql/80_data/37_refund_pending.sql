-- The refund is with the payment provider.
select private.draft_state('deals', 'refund_pending', $$
{
  "title": "The refund is on its way", "waiting_on": "provider", "work_status": "cancelled",
  "moves": [
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "refund_arrives",
      "role": "system", "action": "refund_processed",
      "to": "chat_closed", "effects": ["settle_refund", "close"], "reason": "refunded",
      "inputs": [
        {"field": "reference", "type": "text", "max_length": 200, "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The refund is complete: {refunded_text} was refunded to you.",
          "notification": "deal_closed"
        },
        {
          "type": "system", "to": "influencer",
          "text": "The refund to the brand owner is complete.{released_hint}",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "refund_fails",
      "role": "system", "action": "refund_failed", "effects": ["retry_refund"],
      "inputs": [
        {"field": "reason", "type": "text", "max_length": 200, "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The refund is delayed. It will be tried again.", "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_disputes_late",
      "role": "system", "action": "bank_dispute_opened", "awaiting": "unchanged",
      "reason": "bank_dispute_late"
    },
    {
      "name": "operator_confirms_refund",
      "role": "admin", "action": "mark_refunded_manually",
      "to": "chat_closed", "effects": ["settle_refund", "close"], "reason": "refunded",
      "inputs": [
        {
          "field": "reference", "type": "text", "required": true, "max_length": 200,
          "is_secret": true
        },
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The refund is complete: {refunded_text} was refunded to you.",
          "notification": "deal_closed"
        },
        {
          "type": "system", "to": "influencer",
          "text": "The refund to the brand owner is complete.{released_hint}",
          "notification": "deal_closed"
        }
      ]
    }
  ]
}
$$);
