-- The influencer considers a price that is not the last one.
select private.draft_state('deals', 'influencer_price_response', $$
{
  "title": "The influencer considers the price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_price",
      "role": "influencer", "action": "accept_price", "guards": ["offer_matches"],
      "to": "payment_pending", "awaiting": "brand_owner", "effects": ["agree_on_offer"],
      "button": {"text": "Accept {offer_text}", "style": "success", "data": {"price": "{offer}"}},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted {agreed_text}.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work.",
          "notification": "action_required"
        },
        {
          "type": "system", "to": "influencer",
          "text": "Agreed at {agreed_text}. Waiting for the payment."
        },
        {"type": "audit", "to": "actor", "text": "You accepted {agreed_text}."}
      ]
    },
    {
      "name": "influencer_starts_counter",
      "role": "influencer", "action": "negotiate_price",
      "to": "negotiation_input", "awaiting": "influencer", "follow_up": "submit_counter",
      "button": {"text": "Negotiate", "style": "warning"},
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "Which price do you have in mind?",
          "title": "Your price", "subtitle": "{brand_owner} offered {offer_text}."
        }
      ]
    },
    {
      "name": "influencer_declines_price",
      "role": "influencer", "action": "reject_price",
      "to": "brand_owner_negotiation", "awaiting": "brand_owner",
      "button": {"text": "Decline", "style": "danger"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} declined {offer_text}.", "quote": "{reason}",
          "title": "Price declined", "subtitle": "Offer another price, keep yours, or end here.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You declined {offer_text}."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
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
