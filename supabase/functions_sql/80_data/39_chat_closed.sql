-- The conversation is over; a direct chat may be opened again.
select private.draft_state('deals', 'chat_closed', $$
{
  "title": "Closed",
  "moves": [
    {
      "name": "party_rates_collaboration",
      "role": "influencer brand_owner", "action": "rate_collaboration",
      "guards": ["is_unrated", "may_rate"], "effects": ["keep_rating"],
      "button": {"text": "Rate", "style": "primary"}
    },
    {
      "name": "payment_arrives_late",
      "role": "system", "action": "payment_captured", "guards": ["has_order", "is_new_payment"],
      "effects": ["bounce_payment"], "reason": "late_payment",
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "A payment came after the deal had ended; it is being refunded.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_disputes_after_the_end",
      "role": "system", "action": "bank_dispute_opened", "guards": ["has_order"],
      "reason": "bank_dispute_late"
    }
  ]
}
$$);

select private.draft_state('direct', 'chat_closed', $$
{
  "title": "Closed",
  "moves": [
    {
      "name": "member_reopens_chat",
      "role": "member", "action": "reopen_conversation",
      "guards": ["is_closer", "is_unblocked", "has_reopening_left"],
      "to": "real_time", "effects": ["reopen"],
      "button": {"text": "Open again", "style": "secondary"},
      "messages": [
        {"type": "system", "to": "all", "text": "{actor} opened the conversation again."}
      ]
    }
  ]
}
$$);
