-- The two talk freely; the deal, if there was one, is settled. A direct chat closes without a
-- reason: words to the other side are messages, with their limits.
select private.draft_state('deals', 'real_time', $$
{
  "title": "Free chat", "free_text": true, "on_block": "close_conversation",
  "moves": [
    {
      "name": "party_rates_collaboration",
      "role": "influencer brand_owner", "action": "rate_collaboration",
      "guards": ["is_unrated", "may_rate"], "effects": ["keep_rating"],
      "button": {"text": "Rate", "style": "primary"},
      "inputs": [
        {
          "field": "rating", "type": "integer", "required": true, "min": 1, "max": 5,
          "placeholder": "1 to 5", "is_secret": true
        },
        {"field": "comment", "type": "textarea", "placeholder": "How was it?", "is_secret": true}
      ],
      "messages": [
        {
          "type": "audit", "to": "actor",
          "text":
          "You rated this collaboration. It is shown when both have, or after {rating_days} days."
        }
      ]
    },
    {
      "name": "party_closes_chat",
      "role": "influencer brand_owner", "action": "close_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_{role}",
      "button": {"text": "Close", "style": "secondary"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} closed the conversation.", "quote": "{reason}",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "bank_disputes_late",
      "role": "system", "action": "bank_dispute_opened", "awaiting": "unchanged",
      "reason": "bank_dispute_late"
    }
  ]
}
$$);

select private.draft_state('direct', 'real_time', $$
{
  "title": "Free chat", "free_text": true,
  "moves": [
    {
      "name": "party_closes_chat",
      "role": "member", "action": "close_conversation", "guards": ["has_closing_left"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_{role}",
      "button": {"text": "Close", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} closed the conversation.",
          "notification": "deal_closed"
        }
      ]
    }
  ]
}
$$);
