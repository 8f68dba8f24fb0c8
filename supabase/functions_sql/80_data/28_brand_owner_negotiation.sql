-- The influencer did not accept the price; the brand owner decides.
select private.draft_state('deals', 'brand_owner_negotiation', $$
{
  "title": "The brand owner considers the price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_accepts_counter",
      "role": "brand_owner", "action": "accept_counter",
      "guards": ["has_counter", "counter_matches"],
      "to": "payment_pending", "awaiting": "brand_owner", "effects": ["agree_on_counter"],
      "button": {
        "text": "Accept {counter_text}", "style": "success", "data": {"price": "{counter}"}
      },
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Agreed at {agreed_text}.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work."
        },
        {
          "type": "system", "to": "influencer",
          "text": "Your price of {agreed_text} was accepted. Waiting for the payment.",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You accepted {agreed_text}."}
      ]
    },
    {
      "name": "brand_owner_starts_counter",
      "role": "brand_owner", "action": "make_counter_offer", "guards": ["has_round_left"],
      "to": "negotiation_input", "awaiting": "brand_owner", "follow_up": "submit_counter",
      "button": {"text": "Make another offer", "style": "warning"},
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Which price do you offer?",
          "title": "Your price", "subtitle": "You offered {offer_text}.{counter_hint}"
        }
      ]
    },
    {
      "name": "brand_owner_holds_price",
      "role": "brand_owner", "action": "hold_price",
      "to": "influencer_final_response", "awaiting": "influencer", "effects": ["hold_offer"],
      "button": {"text": "Stay at {offer_text}", "style": "secondary"},
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} stays at {offer_text}.",
          "title": "Final offer: {offer_text}", "subtitle": "There is no further round.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You stay at {offer_text}."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "danger"}
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
