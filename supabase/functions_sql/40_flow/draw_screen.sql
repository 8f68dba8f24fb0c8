-- The actions on a party's screen in a state of a flow, independent of a deal, in the order of the
-- screen: `{action, text, style, drawn, data, fields, schema, offer, button, form, ways, fills}`
-- each.
--
-- offer, button and form are as private.draw_action returns them. ways are the guards of an
-- action's rows, `is_awaited,has_quote|is_closer`; without ways an action is always open. A guard
-- about the state that a row leads to names it: `was_there work_in_progress`. fills: it has
-- placeholders; fields and schema are null where they have some.
create or replace function private.draw_screen(p_flow_id bigint, p_state text, p_role text)
returns jsonb[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select
      private.draw_action(jsonb_build_object(
        'action', a.action, 'text', a.text, 'style', a.style, 'drawn', a.drawn, 'data', a.data,
        'fields', form.fields, 'schema', form.schema
      ))
      || case when rows_of.is_free then '{}' else jsonb_build_object('ways', rows_of.ways) end
      || case when typed.is_filled or a.text like '%{%' or a.data::text like '%"{%'
        then '{"fills": true}'
        else '{}'
      end::jsonb
    from private.flow_actions as a
    cross join lateral (
      select
        bool_or(t.guards = '{}') as is_free,
        string_agg(
          array_to_string(
            array_replace(t.guards, 'was_there', 'was_there ' || t.to_state), ','
          ),
          '|' order by t.position
        ) as ways
      from private.flow_transitions as t
      where t.flow_id = a.flow_id and t.from_state = a.state and t.role = a.role
        and t.action = a.action
    ) as rows_of
    cross join lateral (
      select exists (
        select from private.flow_inputs as i
        where i.flow_id = a.flow_id
          and i.action = a.action
          and concat(i.placeholder, i.prefill) like '%{%'
      ) as is_filled
    ) as typed
    cross join lateral (
      select
        case when not typed.is_filled then private.draw_fields(a.flow_id, a.action, '{}') end,
        case when not typed.is_filled then private.input_schema(a.flow_id, a.action, '{}') end
    ) as form (fields, schema)
    where a.flow_id = p_flow_id and a.state = p_state and a.role = p_role
      and rows_of.ways is not null
    order by a.position
  );
end;
$$;

-- An action of a screen in the forms that clients get.
--
-- For lists of actions: offer, the JSON text `{action, button_id, text, style, input, schema, cost,
-- deadline_at}` up to the value of deadline_at. For a message, without keys that have no value:
-- button, `{id, text, style, action, data, input_fields}`, with input_fields where its action needs
-- them; and form, `{input_field, input_fields, submit_button, submit_action, schema}`.
create or replace function private.draw_action(p_action jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return p_action || jsonb_build_object(
    'offer', left(jsonb_build_object(
      'action', p_action -> 'action',
      'button_id', p_action -> 'action',
      'text', p_action -> 'text',
      'style', p_action -> 'style',
      'input', p_action -> 'fields' -> 0,
      'schema', p_action -> 'schema',
      -- Only messages cost points; a step of a deal is free.
      'cost', 0
    )::text, -1) || ', "deadline_at": ',
    'button', jsonb_strip_nulls(jsonb_build_object(
      'id', p_action -> 'action',
      'text', p_action -> 'text',
      'style', p_action -> 'style',
      'action', p_action -> 'action',
      'data', p_action -> 'data',
      'input_fields', case
        when p_action #> '{schema,required}' <> '[]' then p_action -> 'fields'
      end
    )),
    'form', jsonb_strip_nulls(jsonb_build_object(
      'input_field', p_action -> 'fields' -> 0,
      'input_fields', p_action -> 'fields',
      'submit_button', jsonb_build_object(
        'text', p_action -> 'text', 'style', p_action -> 'style'
      ),
      'submit_action', p_action -> 'action',
      'schema', p_action -> 'schema'
    ))
  );
end;
$$;

-- Keeps the screens of a flow, so that private.open_actions need not draw them.
--
-- Writes: flow_screens.
create or replace function private.keep_screens(p_flow_id bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.flow_screens (flow_id, state, role, actions, guards, rules, is_fixed)
  select
    p_flow_id, party.state, party.role, drawn.actions, asked.guards, party.rules,
    asked.guards = '{}' and not to_jsonb(drawn.actions) @? '$[*].fills'
  from (
    select s.state, r.role, f.rules
    from private.flow_definitions as f
    join private.flow_states as s on s.flow_id = f.id
    cross join (values ('influencer'), ('brand_owner'), ('member')) as r (role)
    where f.id = p_flow_id
  ) as party
  cross join lateral (
    select private.draw_screen(p_flow_id, party.state, party.role)
  ) as drawn (actions)
  cross join lateral (
    select array(
      select distinct guard.name
      from unnest(drawn.actions) as a (action)
      cross join regexp_split_to_table(a.action ->> 'ways', '[,|]') as guard (name)
      where guard.name <> ''
      order by guard.name
    )
  ) as asked (guards);
end;
$$;

-- The fields of an action as clients draw them, in order.
create or replace function private.draw_fields(p_flow_id bigint, p_action text, p_values jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_agg(private.input_field_json(i, p_values) order by i.position, i.field), '[]'
    )
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.action = p_action
  );
end;
$$;

-- A field of an action's input as clients draw it, filled in with the values of its placeholders.
--
-- Returns: `{id, type, placeholder, required, min, max, maxLength, input_type, value}`, null where
-- there is none. type is HTML's (text, textarea, email, number, file); value is the field's first
-- content.
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
-- private.check_input accepts more (a price as a text, null for no value) and also refuses blank
-- texts, control characters, a third decimal of a price, and numbers that JSON clients cannot hold
-- exactly.
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
          when v_field.type = 'file' then 'array'
          else 'string'
        end,
        'maxItems', case when v_field.type = 'file' then 10 end,
        'items', case when v_field.type = 'file' then '{"type": "object"}'::jsonb end,
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
