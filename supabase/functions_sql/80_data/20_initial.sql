-- Nothing is stored in this state: these moves open a conversation.
select private.draft_state('all', 'initial', $$
{
  "title": "Not there yet",
  "moves": [
    {
      "name": "brand_owner_connects",
      "kind": "bid", "role": "brand_owner", "action": "connect_bid",
      "to": "influencer_responding", "awaiting": "influencer",
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} wants to work with you on \"{subject}\".{proposed_hint}",
          "title": "New request", "subtitle": "{brand_owner} is interested in \"{subject}\"",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Request sent to {influencer}."}
      ]
    },
    {
      "name": "influencer_applies",
      "kind": "campaign", "role": "influencer", "action": "apply_to_campaign",
      "to": "brand_owner_reviewing", "awaiting": "brand_owner",
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} applies to \"{subject}\".{quote_hint}", "quote": "{pitch}",
          "title": "New application", "subtitle": "{influencer} wants to join \"{subject}\"",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Application sent."}
      ]
    },
    {
      "name": "brand_owner_invites",
      "kind": "campaign", "role": "brand_owner", "action": "invite_to_campaign",
      "to": "influencer_responding", "awaiting": "influencer",
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} invites you to a campaign.", "quote": "{subject}",
          "title": "Invitation", "subtitle": "{brand_owner} would like to work with you.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Invitation sent to {influencer}."}
      ]
    },
    {
      "name": "member_starts_chat",
      "kind": "direct", "role": "member", "action": "direct_connect",
      "to": "real_time",
      "messages": [
        {"type": "system", "to": "all", "text": "Conversation started"}
      ]
    }
  ]
}
$$);
