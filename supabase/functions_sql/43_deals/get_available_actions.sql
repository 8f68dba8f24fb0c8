-- The actions that the caller may take in a conversation now; a client needs no other knowledge of
-- the flow.
--
-- input is the action's first field, or null; schema is the JSON Schema of all fields; cost is in
-- points; deadline_at is the deadline of the state.
-- Definer: the flow is private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_available_actions(p_conversation_id uuid)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_conversation private.conversations;
begin
  v_conversation := private.as_of_now(private.read_conversation(p_conversation_id, v_me));
  return private.actions_json(v_conversation, v_me, private.role_in(v_conversation, v_me));
end;
$$;

-- RPC: the actions that the caller may take now; returns `[{action, button_id, text, style, input,
-- schema, cost, deadline_at}]`.
create or replace function public.get_available_actions(conversation_id uuid)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_available_actions(conversation_id);
$$;

grant execute on function private.get_available_actions(uuid) to authenticated;
grant execute on function public.get_available_actions(uuid) to authenticated;
