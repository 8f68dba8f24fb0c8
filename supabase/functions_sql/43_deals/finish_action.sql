-- Does what a user asked for in a conversation, tells the user's own devices, and keeps the answer
-- for a repeat.
--
-- Args: the call as private.begin_action returned it; the action and its input; what the client
-- did, `{"event": "button_action", "button_id"}` or `{"event": "text_input", "input_type"}`.
-- Returns the action result of docs/API.md. Locks: the conversation must be locked already.
-- Writes: action_results, realtime.messages, and what private.advance_conversation writes.
-- Events: button_action, text_input.
-- Errors: those of private.advance_conversation.
create or replace function private.finish_action(
  p_call private.action_call,
  p_action text,
  p_input jsonb,
  p_done jsonb
)
returns jsonb
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_outcome private.flow_outcome;
begin
  v_step.conversation := p_call.conversation;
  v_step.actor_id := p_call.actor_id;
  v_step.role := p_call.role;
  v_step.action := p_action;
  v_step.input := coalesce(p_input, '{}');
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  v_outcome := private.advance_conversation(v_step);
  return private.answer_action(p_call, v_outcome, p_done);
end;
$$;

revoke all on function private.finish_action(private.action_call, text, jsonb, jsonb)
from public, anon, authenticated, service_role;
