-- The influencer considers the final price.
select private.draft_state('deals', 'influencer_final_response', $$
{
  "title": "The influencer considers the final price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_final_price",
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
        {"type": "audit", "to": "actor", "text": "You accepted {agreed_text}."}
      ]
    },
    {
      "name": "influencer_declines_final_price",
      "role": "influencer", "action": "reject_price",
      "to": "chat_closed", "effects": ["close"], "reason": "price_not_agreed",
      "button": {"text": "Decline", "style": "danger"},
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the final offer.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You declined the final offer."}
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
