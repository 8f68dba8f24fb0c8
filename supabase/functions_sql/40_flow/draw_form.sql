-- The fields of an action as clients draw them, in order, and the JSON Schema of its input.
create or replace function private.draw_form(
  p_flow_id bigint,
  p_action text,
  p_values jsonb
)
returns private.flow_forms
language plpgsql
stable
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

-- Keeps the forms of a flow's actions that have nothing to fill in, so that private.open_actions
-- need not draw them again.
--
-- Writes: flow_forms.
create or replace function private.keep_forms(p_flow_id bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.flow_forms
  select form.*
  from (
    select distinct a.action from private.flow_actions as a where a.flow_id = p_flow_id
  ) as drawn
  cross join lateral private.draw_form(p_flow_id, drawn.action, '{}') as form
  where not exists (
    select from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and i.action = drawn.action
      and concat(i.placeholder, i.prefill) like '%{%'
  );
end;
$$;
