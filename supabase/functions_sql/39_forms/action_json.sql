-- An action as clients get it: its button, its form, and until when it can be taken.
--
-- Args: the row; the conversation.
-- Returns: `{action, button_id, text, style, input, schema, deadline_at}`; input is the action's
-- first field, or null; schema has them all.
create or replace function private.action_json(
  p_row private.flow_actions,
  p_conversation public.conversations
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_form constant private.flow_forms := private.form_of(p_conversation, p_row.action);
begin
  return jsonb_build_object(
    'action', p_row.action,
    'button_id', p_row.action,
    'text', private.fill_text(p_row.text, p_conversation),
    'style', p_row.style,
    'input', v_form.fields -> 0,
    'schema', v_form.schema,
    'deadline_at', p_conversation.deadline_at
  );
end;
$$;

revoke all on function private.action_json(private.flow_actions, public.conversations)
from public, anon, authenticated, service_role;
