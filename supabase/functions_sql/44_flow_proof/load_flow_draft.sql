-- Makes a draft of a flow from `{kind, rules, states, transitions, messages, actions, inputs,
-- traces}`; the lists hold objects whose keys are the columns of the tables flow_…, without
-- flow_id. What is left out has the table's default. Returns the draft's id.
--
-- private.flow_spec is the way back. Whatever breaks a type, a key or a CHECK of the tables ends
-- the call with the error of Postgres; private.try_load says it in a sentence.
-- Writes: flow_definitions, flow_states, flow_transitions, flow_messages, flow_actions,
-- flow_inputs, flow_traces.
create or replace function private.load_flow_draft(p_spec jsonb)
returns bigint
language plpgsql
security invoker
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

revoke all on function private.load_flow_draft(jsonb)
from public, anon, authenticated, service_role;
