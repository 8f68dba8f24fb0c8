-- The brand owner names the first price.
select private.draft_state('deals', 'brand_owner_pricing', $$
{
  "title": "Waiting for a price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_offers_price",
      "role": "brand_owner", "action": "send_price_offer",
      "to": "influencer_price_response", "awaiting": "influencer", "effects": ["make_offer"],
      "button": {"text": "Send offer", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "price", "type": "price", "required": true,
          "placeholder": "Your price in rupees", "prefill": "{proposed_price}",
          "input_type": "price"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} offers {offer_text}.",
          "title": "Offer: {offer_text}", "subtitle": "Accept it, or name your own price.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You offered {offer_text}."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary"}
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);
