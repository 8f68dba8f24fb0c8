-- An influencer applied to a campaign; its brand owner decides.
select private.draft_state('campaign', 'brand_owner_reviewing', $$
{
  "title": "Application under review", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_accepts_application",
      "role": "brand_owner", "action": "accept_application",
      "to": "brand_owner_pricing", "awaiting": "brand_owner", "effects": ["accept_request"],
      "button": {"text": "Accept", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Application accepted. Name your price.",
          "title": "Name your price", "subtitle": "What do you offer {influencer}?"
        },
        {
          "type": "system", "to": "influencer",
          "text": "Your application was accepted. {brand_owner} will name a price.",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the application."}
      ]
    },
    {
      "name": "brand_owner_accepts_quote",
      "role": "brand_owner", "action": "accept_application_at_quote",
      "guards": ["has_quote", "quote_matches"],
      "to": "payment_pending", "awaiting": "brand_owner",
      "effects": ["accept_request", "agree_on_quote"],
      "button": {
        "text": "Accept at {quote_text}", "style": "primary", "data": {"price": "{quote}"}
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
          "text":
          "Your application was accepted at your price, {agreed_text}. Waiting for the payment.",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the application at {agreed_text}."}
      ]
    },
    {
      "name": "brand_owner_declines_application",
      "role": "brand_owner", "action": "reject_application",
      "to": "chat_closed", "effects": ["reject_request", "close"],
      "reason": "application_rejected",
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "You were not selected this time.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You declined the application."}
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
