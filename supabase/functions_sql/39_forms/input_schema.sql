-- The input of an action as a JSON Schema (draft 2020-12), for forms that build themselves.
--
-- private.check_input takes more than it says (a price as a text, null for no value) and refuses
-- what it does not say: texts that show nothing or hold control characters, a third decimal of a
-- price, numbers that JSON clients do not carry exactly.
create or replace function private.input_schema(
  p_flow_id bigint,
  p_action text,
  p_values jsonb default '{}'
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_properties jsonb := '{}'::jsonb;
  v_required jsonb := '[]'::jsonb;
  v_field private.flow_inputs;
begin
  for v_field in
    select i.* from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.action = p_action
    order by i.position, i.field
  loop
    v_field := private.complete_limits(v_field);
    v_properties := v_properties || jsonb_build_object(
      v_field.field, jsonb_strip_nulls(jsonb_build_object(
        'type', case
          when v_field.type = 'price' then 'number'
          when v_field.type in ('number', 'integer') then v_field.type
          else 'string'
        end,
        'format', case when v_field.type = 'email' then 'email' end,
        'description', nullif(private.fill_template(v_field.placeholder, p_values), ''),
        'minimum', v_field.min,
        'maximum', v_field.max,
        'minLength', case when v_field.required and v_field.max_length is not null then 1 end,
        'maxLength', v_field.max_length
      ))
    );
    if v_field.required then
      v_required := v_required || to_jsonb(v_field.field);
    end if;
  end loop;
  return jsonb_build_object(
    'type', 'object',
    'properties', v_properties,
    'required', v_required,
    'additionalProperties', true
  );
end;
$$;

revoke all on function private.input_schema(bigint, text, jsonb)
from public, anon, authenticated, service_role;
