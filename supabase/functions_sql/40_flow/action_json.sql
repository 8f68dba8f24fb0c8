-- An action as clients get it: its button, its form, and until when it can be taken.
--
-- Args: the row; the values of its placeholders; the deadline of the state, or null.
-- Returns: `{action, button_id, text, style, input, schema, deadline_at}`; input is the action's
-- first field, or null; schema has them all.
create or replace function private.action_json(
  p_row private.flow_actions,
  p_values jsonb,
  p_deadline_at timestamptz
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'action', p_row.action,
    'button_id', p_row.action,
    'text', private.fill_template(p_row.text, p_values),
    'style', p_row.style,
    'input', (
      select private.input_field_json(i, p_values) from private.flow_inputs as i
      where i.flow_id = p_row.flow_id and i.action = p_row.action
      order by i.position, i.field
      limit 1
    ),
    'schema', private.input_schema(p_row.flow_id, p_row.action, p_values),
    'deadline_at', p_deadline_at
  );
end;
$$;

revoke all on function private.action_json(private.flow_actions, jsonb, timestamptz)
from public, anon, authenticated, service_role;
