-- The awaited party types another price.
select private.draft_state('deals', 'negotiation_input', $$
{
  "title": "A price is being typed", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_sends_counter",
      "role": "influencer", "action": "submit_counter", "guards": ["is_awaited"],
      "to": "brand_owner_negotiation", "awaiting": "brand_owner", "effects": ["make_counter"],
      "button": {"text": "Send price", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "price", "type": "price", "required": true,
          "placeholder": "Your price in rupees", "input_type": "negotiation"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} asks for {counter_text}.",
          "title": "Counter offer: {counter_text}", "subtitle": "You offered {offer_text}.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You asked for {counter_text}."}
      ]
    },
    {
      "name": "influencer_goes_back",
      "role": "influencer", "action": "back", "guards": ["is_awaited", "has_return_left"],
      "to": "influencer_price_response", "awaiting": "influencer", "effects": ["count_return"],
      "button": {"text": "Back", "style": "secondary"},
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "The offer is {offer_text}.",
          "title": "Offer: {offer_text}", "subtitle": "Accept it, or name your own price."
        }
      ]
    },
    {
      "name": "brand_owner_sends_counter",
      "role": "brand_owner", "action": "submit_counter",
      "guards": ["is_awaited", "is_earlier_round"],
      "to": "influencer_price_response", "awaiting": "influencer", "effects": ["make_offer"],
      "button": {"text": "Send price", "style": "success", "drawn": "form"},
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} now offers {offer_text}.",
          "title": "Offer: {offer_text}", "subtitle": "Accept it, or name your own price.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You offered {offer_text}."}
      ]
    },
    {
      "name": "brand_owner_sends_last_counter",
      "role": "brand_owner", "action": "submit_counter",
      "guards": ["is_awaited", "is_last_round"],
      "to": "influencer_final_response", "awaiting": "influencer",
      "effects": ["finalize_offer", "make_offer"],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} makes a final offer: {offer_text}.",
          "title": "Final offer: {offer_text}", "subtitle": "There is no further round.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You made a final offer of {offer_text}."}
      ]
    },
    {
      "name": "brand_owner_goes_back",
      "role": "brand_owner", "action": "back", "guards": ["is_awaited", "has_return_left"],
      "to": "brand_owner_negotiation", "awaiting": "brand_owner", "effects": ["count_return"],
      "button": {"text": "Back", "style": "secondary"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "You offered {offer_text}.{counter_hint}",
          "title": "Your answer",
          "subtitle": "Accept, offer another price, keep yours, or end here."
        }
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
