-- The influencer was asked to connect: by a brand owner for a bid, or by an invitation to a
-- campaign.
select private.draft_state('deals', 'influencer_responding', $$
{
  "title": "Waiting for the influencer's answer", "clock": "since_entry", "lasts": "7 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_request",
      "kind": "bid", "role": "influencer", "action": "accept_connection",
      "to": "brand_owner_details", "awaiting": "brand_owner",
      "button": {"text": "Accept", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted your request. What is the project?",
          "title": "Describe the project",
          "subtitle": "What should {influencer} do, until when, in which form?",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the request."}
      ]
    },
    {
      "name": "influencer_accepts_invitation",
      "kind": "campaign", "role": "influencer", "action": "accept_connection",
      "to": "brand_owner_pricing", "awaiting": "brand_owner",
      "button": {"text": "Accept", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted your invitation. Name your price.",
          "title": "Name your price", "subtitle": "What do you offer for \"{subject}\"?",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the invitation."}
      ]
    },
    {
      "name": "influencer_declines_connection",
      "role": "influencer", "action": "reject_connection",
      "to": "chat_closed", "effects": ["close"], "reason": "connection_rejected",
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the request.", "quote": "{reason}",
          "notification": "deal_closed", "kind": "bid"
        },
        {"type": "audit", "to": "actor", "text": "You declined the request.", "kind": "bid"},
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the invitation.", "quote": "{reason}",
          "notification": "deal_closed", "kind": "campaign"
        },
        {
          "type": "audit", "to": "actor",
          "text": "You declined the invitation.", "kind": "campaign"
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
