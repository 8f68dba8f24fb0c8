-- The brand owner describes the project.
select private.draft_state('bid', 'brand_owner_details', $$
{
  "title": "Waiting for the project details", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_sends_details",
      "role": "brand_owner", "action": "send_project_details",
      "to": "influencer_reviewing", "awaiting": "influencer", "effects": ["keep_details"],
      "button": {"text": "Send", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "details", "type": "textarea", "required": true, "max_length": 5000,
          "placeholder": "What should be made, until when, in which form?",
          "prefill": "{details}", "input_type": "project_details"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} sent the project details.", "quote": "{details}",
          "title": "Project details", "subtitle": "{brand_owner} describes the project",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Project details sent."}
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
