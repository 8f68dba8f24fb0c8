-- The fields of an action's form: `{input_field, input_fields}`, the first one and all of them;
-- null for an action without any.
create or replace function private.form_json(p_action private.flow_actions, p_values jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_fields jsonb;
begin
  select jsonb_agg(
    jsonb_strip_nulls(private.input_field_json(i, p_values)) order by i.position, i.field
  )
  into v_fields
  from private.flow_inputs as i
  where i.flow_id = p_action.flow_id and i.action = p_action.action;
  return case when v_fields is not null then
    jsonb_build_object('input_field', v_fields -> 0, 'input_fields', v_fields)
  end;
end;
$$;

revoke all on function private.form_json(private.flow_actions, jsonb)
from public, anon, authenticated, service_role;
