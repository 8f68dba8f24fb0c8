-- The influencer reads the project details.
select private.draft_state('bid', 'influencer_reviewing', $$
{
  "title": "The influencer reviews the project", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_project",
      "role": "influencer", "action": "accept_project",
      "to": "brand_owner_pricing", "awaiting": "brand_owner",
      "button": {"text": "Accept project", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} likes the project. Name your price.",
          "title": "Name your price", "subtitle": "What do you offer for this project?",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the project."}
      ]
    },
    {
      "name": "influencer_asks_about_details",
      "role": "influencer", "action": "request_details_change", "guards": ["has_question_left"],
      "to": "brand_owner_details", "awaiting": "brand_owner", "effects": ["count_question"],
      "button": {"text": "Ask for a change", "style": "secondary", "drawn": "both"},
      "inputs": [
        {
          "field": "question", "type": "textarea", "required": true,
          "placeholder": "What do you need to know?", "input_type": "question"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} has a question.", "quote": "{question}",
          "title": "Change the details", "subtitle": "{influencer} needs to know more",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Your question was sent."}
      ]
    },
    {
      "name": "influencer_declines_project",
      "role": "influencer", "action": "reject_project",
      "to": "chat_closed", "effects": ["close"], "reason": "project_rejected",
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the project.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You declined the project."}
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
