-- Makes a draft of a flow from `{kind, rules, states, transitions, messages, actions, inputs,
-- traces}`; the lists hold objects whose keys are the columns of the tables flow_…, without
-- flow_id. Missing keys have the table's default. Returns the draft's id.
--
-- private.flow_spec is the inverse. A value that breaks a type, a key or a CHECK of the tables ends
-- the call with the error of Postgres; private.try_load turns it into a sentence.
-- Writes: flow_definitions, flow_states, flow_transitions, flow_messages, flow_actions,
-- flow_inputs, flow_traces.
create or replace function private.load_flow_draft(p_spec jsonb)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_flow_id bigint;
  v_key jsonb;
begin
  insert into private.flow_definitions (kind, rules)
  values (p_spec ->> 'kind', coalesce(p_spec -> 'rules', '{}'))
  returning id into v_flow_id;
  v_key := jsonb_build_object('flow_id', v_flow_id);

  insert into private.flow_states
  select made.*
  from jsonb_array_elements(p_spec -> 'states') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_states,
    jsonb '{"waiting_on": "none", "free_text": false}' || given.item || v_key
  ) as made;
  insert into private.flow_transitions
  select made.*
  from jsonb_array_elements(p_spec -> 'transitions') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_transitions, jsonb '{"guards": [], "effects": []}' || given.item || v_key
  ) as made;
  insert into private.flow_messages
  select made.*
  from jsonb_array_elements(p_spec -> 'messages') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_messages, given.item || v_key
  ) as made;
  insert into private.flow_actions
  select made.*
  from jsonb_array_elements(p_spec -> 'actions') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_actions,
    jsonb '{"style": "secondary", "drawn": "button"}' || given.item || v_key
  ) as made;
  insert into private.flow_inputs
  select made.*
  from jsonb_array_elements(p_spec -> 'inputs') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_inputs,
    jsonb '{"required": false, "is_secret": false}' || given.item || v_key
  ) as made;
  insert into private.flow_traces
  select made.*
  from jsonb_array_elements(p_spec -> 'traces') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_traces, given.item || v_key
  ) as made;
  return v_flow_id;
end;
$$;

-- A flow as the object that private.load_flow_draft makes a draft from, its rows in a fixed order:
-- two flows are the same when their specs are equal.
create or replace function private.flow_spec(p_flow_id bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'kind', f.kind,
      'rules', f.rules,
      'states', (
        select coalesce(jsonb_agg(to_jsonb(s) - 'flow_id' order by s.position, s.state), '[]')
        from private.flow_states as s
        where s.flow_id = f.id
      ),
      'transitions', (
        select coalesce(
          jsonb_agg(
            to_jsonb(t) - 'flow_id' order by t.position, t.from_state, t.role, t.action
          ),
          '[]'
        )
        from private.flow_transitions as t
        where t.flow_id = f.id
      ),
      'messages', (
        select coalesce(
          jsonb_agg(to_jsonb(m) - 'flow_id' order by m.transition, m.position), '[]'
        )
        from private.flow_messages as m
        where m.flow_id = f.id
      ),
      'actions', (
        select coalesce(
          jsonb_agg(
            to_jsonb(a) - 'flow_id' order by a.state, a.role, a.position, a.action
          ),
          '[]'
        )
        from private.flow_actions as a
        where a.flow_id = f.id
      ),
      'inputs', (
        select coalesce(
          jsonb_agg(to_jsonb(i) - 'flow_id' order by i.action, i.position, i.field), '[]'
        )
        from private.flow_inputs as i
        where i.flow_id = f.id
      ),
      'traces', (
        select coalesce(jsonb_agg(to_jsonb(w) - 'flow_id' order by w.name), '[]')
        from private.flow_traces as w
        where w.flow_id = f.id
      )
    )
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
end;
$$;

-- Makes a draft of a spec, or returns in p_violations why its rows cannot be stored (then p_flow_id
-- is null, and nothing is written).
--
-- Writes: as load_flow_draft.
create or replace function private.try_load(
  p_spec jsonb,
  p_flow_id out bigint,
  p_violations out jsonb
)
returns record
language plpgsql
set search_path = ''
as $$
declare
  v_said text;
begin
  p_violations := (
    select jsonb_agg(to_jsonb(s) || '{"counter_example": []}') from private.refute_size(p_spec) as s
  );
  if p_violations is null then
    p_violations := (
      select jsonb_agg(to_jsonb(k) || '{"counter_example": []}')
      from private.refute_keys(p_spec) as k
    );
  end if;
  if p_violations is null then
    p_flow_id := private.load_flow_draft(p_spec);
  end if;
-- Errors of a spec that breaks the tables' types, keys and checks.
exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
  get stacked diagnostics v_said = message_text;
  p_flow_id := null;
  p_violations := jsonb_build_array(
    jsonb_build_object(
      'property', 'shape',
      'message', format('The rows of the flow cannot be stored: %s.', v_said),
      'counter_example', '[]'::jsonb
    )
  );
end;
$$;

-- Shape: a spec has the size of a flow. Finds a spec, list or text that is too large, and then
-- nothing else.
create or replace function private.refute_size(p_spec jsonb)
returns table (property text, message text)
language plpgsql
stable
set search_path = ''
as $$
declare
  c_bytes constant integer := 2 * 1024 * 1024;
  c_characters constant integer := 5000;
  c_lists constant jsonb := jsonb_build_object(
    'states', 200, 'transitions', 2000, 'messages', 2000, 'actions', 2000, 'inputs', 2000,
    'traces', 200
  );
  v_lists constant jsonb := (
    select coalesce(jsonb_object_agg(l.key, l.value), '{}')
    from jsonb_each(case jsonb_typeof(p_spec) when 'object' then p_spec else '{}' end) as l
    where c_lists ? l.key and jsonb_typeof(l.value) = 'array'
  );
begin
  if octet_length(p_spec::text) > c_bytes then
    return query select 'shape', 'The flow is larger than 2 MB.';
    return;
  end if;
  return query
  select 'shape', format('There are more than %s %s.', most.value, most.key)
  from jsonb_each(c_lists) as most
  where jsonb_array_length(v_lists -> most.key) > most.value::integer;
  if found then
    return;
  end if;
  return query
  select distinct
    'shape',
    format('One of the %s has a %s of more than %s characters.', l.key, c.key, c_characters)
  from jsonb_each(v_lists) as l
  cross join lateral jsonb_array_elements(l.value) as item (body)
  cross join lateral jsonb_each_text(
    case jsonb_typeof(item.body) when 'object' then item.body else '{}' end
  ) as c
  where char_length(c.value) > c_characters;
end;
$$;

-- Shape: the objects of a flow's spec have only the columns of the tables flow_… as keys. Finds
-- other keys: a misspelt one would otherwise be a silent default.
create or replace function private.refute_keys(p_spec jsonb)
returns table (property text, message text)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  with lists (name, columns) as (
    values
      ('states', to_jsonb(jsonb_populate_record(null::private.flow_states, '{}'))),
      ('transitions', to_jsonb(jsonb_populate_record(null::private.flow_transitions, '{}'))),
      ('messages', to_jsonb(jsonb_populate_record(null::private.flow_messages, '{}'))),
      ('actions', to_jsonb(jsonb_populate_record(null::private.flow_actions, '{}'))),
      ('inputs', to_jsonb(jsonb_populate_record(null::private.flow_inputs, '{}'))),
      ('traces', to_jsonb(jsonb_populate_record(null::private.flow_traces, '{}')))
  )
  select 'shape', format('There is no list %s in a flow.', key.name)
  from jsonb_object_keys(p_spec) as key (name)
  where key.name not in ('kind', 'rules') and key.name not in (select l.name from lists as l)
  union
  select 'shape', format('%s have no %s.', l.name, key.name)
  from lists as l
  cross join lateral jsonb_array_elements(p_spec -> l.name) as item (body)
  cross join lateral jsonb_object_keys(item.body) as key (name)
  where key.name = 'flow_id' or not l.columns ? key.name
  order by 2;
end;
$$;
