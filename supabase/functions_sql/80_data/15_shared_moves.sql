-- Messages and inputs that several states share: those of a move with the same name, and the fields
-- of an action. The files of the states name the move and do not repeat them.
select private.draft_moves('deals', $$
[
  {
    "name": "party_ends_conversation", "action": "end_conversation",
    "inputs": [{"field": "reason"}],
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
    "name": "nobody_answers_in_time", "action": "timer_idle",
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "Nobody answered in time; the conversation has ended.",
        "notification": "deal_closed"
      }
    ]
  },
  {
    "name": "payment_arrives_twice", "action": "payment_captured",
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
        "text": "This deal was paid twice; the second payment is being refunded.",
        "notification": "payment"
      }
    ]
  },
  {
    "name": "party_requests_cancellation", "action": "request_cancellation",
    "inputs": [
      {
        "field": "refund_amount", "type": "price",
        "placeholder": "Refund in rupees; empty: all of it"
      },
      {
        "field": "reason", "type": "textarea",
        "placeholder": "Why? (optional)", "input_type": "reason"
      }
    ],
    "messages": [
      {
        "type": "automated", "to": "other",
        "text": "{actor} asks to cancel, with a refund of {refund_text}.", "quote": "{reason}",
        "title": "Cancellation?", "subtitle": "Without an answer the deal goes on.",
        "notification": "action_required"
      },
      {"type": "audit", "to": "actor", "text": "You asked to cancel."}
    ]
  },
  {
    "name": "party_opens_dispute", "action": "raise_dispute",
    "inputs": [{"field": "reason"}],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "{actor} opened a dispute. An operator will decide.", "quote": "{reason}",
        "notification": "dispute"
      }
    ]
  },
  {
    "name": "bank_opens_dispute", "action": "bank_dispute_opened",
    "inputs": [
      {"field": "payment_id", "type": "text", "max_length": 100}
    ],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "The bank is looking into the payment. The deal rests until it has decided.",
        "notification": "dispute"
      }
    ]
  },
  {
    "name": "operator_closes_deal", "action": "force_close",
    "inputs": [
      {"field": "reason", "type": "textarea"}
    ],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "An operator closed this conversation.{reason_hint}",
        "notification": "deal_closed"
      }
    ]
  },
  {
    "name": "operator_stops_deal", "action": "force_dispute",
    "inputs": [
      {"field": "reason", "type": "textarea"}
    ],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "An operator stopped this deal to look into it.{reason_hint}",
        "notification": "dispute"
      }
    ]
  },
  {
    "action": "accept_price",
    "inputs": [
      {"field": "price", "type": "price"}
    ]
  },
  {
    "action": "reject_price",
    "inputs": [{"field": "reason"}]
  }
]
$$);
