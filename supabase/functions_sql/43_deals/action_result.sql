-- What became of an action, as the user who took it may see it: `{success, conversation, messages,
-- actions, flow_update: {previous_state, new_state, awaiting_role, reason, path}}`.
create or replace function private.action_result(
  p_outcome private.flow_outcome,
  p_user_id uuid,
  p_role text
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'success', true,
    'conversation', (
      select to_jsonb(c)
      from private.my_conversations as c
      where c.conversation_id = (p_outcome.conversation).id
    ),
    'messages', private.messages_for(p_outcome.messages, p_user_id),
    'actions', private.actions_json(p_outcome.conversation, p_user_id, p_role),
    'flow_update', private.flow_update_json(p_outcome)
  );
end;
$$;

revoke all on function private.action_result(private.flow_outcome, uuid, text)
from public, anon, authenticated, service_role;
