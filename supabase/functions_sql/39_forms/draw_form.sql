-- The fields of an action as clients draw them, in order, and the JSON Schema of its input.
create or replace function private.draw_form(
  p_flow_id bigint,
  p_action text,
  p_values jsonb
)
returns private.flow_forms
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_form private.flow_forms;
begin
  v_form.flow_id := p_flow_id;
  v_form.action := p_action;
  v_form.schema := private.input_schema(p_flow_id, p_action, p_values);
  select coalesce(
    jsonb_agg(private.input_field_json(i, p_values) order by i.position, i.field), '[]'
  )
  into v_form.fields
  from private.flow_inputs as i
  where i.flow_id = p_flow_id and i.action = p_action;
  return v_form;
end;
$$;

revoke all on function private.draw_form(bigint, text, jsonb)
from public, anon, authenticated, service_role;
