-- A field of an action's input as clients draw it, filled in with the values of its placeholders.
--
-- Returns: `{id, type, placeholder, required, min, max, maxLength, input_type, value}`, null where
-- there is none. type is what HTML calls it (text, textarea, email, number); value is what stands
-- in the field at first.
create or replace function private.input_field_json(
  p_input private.flow_inputs,
  p_values jsonb default '{}'
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_input constant private.flow_inputs := private.complete_limits(p_input);
begin
  return jsonb_build_object(
    'id', v_input.field,
    'type', case when v_input.type in ('price', 'integer') then 'number' else v_input.type end,
    'placeholder', private.fill_template(v_input.placeholder, p_values),
    'required', v_input.required,
    'min', v_input.min,
    'max', v_input.max,
    'maxLength', v_input.max_length,
    'input_type', v_input.input_type,
    'value', nullif(private.fill_template(v_input.prefill, p_values), '')
  );
end;
$$;

revoke all on function private.input_field_json(private.flow_inputs, jsonb)
from public, anon, authenticated, service_role;
