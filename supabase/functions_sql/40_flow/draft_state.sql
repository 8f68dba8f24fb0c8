-- Adds a state to the drafts of some kinds of flow: the state, its moves, and each move's messages,
-- button and inputs. A file of 80_data makes one call per state.
--
-- Args: the kinds, as for draft_flows; the state's name; `{title, waiting_on, clock, lasts,
-- deadline_action, free_text, on_block, work_status, moves}`. A move is `{name, kind, role, action,
-- guards, to, awaiting, effects, reason, follow_up, button, inputs, messages}`: "kind" limits it to
-- some of the kinds; several roles stand for one row each; without "to" the conversation stays in
-- its state. Moves and buttons keep their order. A move may name a state that a later file adds; if
-- none adds it, the proof fails.
-- Writes: flow_states, flow_transitions, flow_actions, and as draft_moves.
-- Errors: 22023 for an unknown key.
create or replace function private.draft_state(p_kinds text, p_state text, p_spec jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_moves constant jsonb := coalesce(p_spec -> 'moves', '[]');
  -- One order for all kinds, so that shared states have one position.
  v_position constant integer := (
    select coalesce(max(s.position), 0) + 1
    from private.flow_states as s
    join private.flow_definitions as f on f.id = s.flow_id
    where f.status = 'draft'
  );
begin
  perform private.refuse_unknown_keys(
    p_state, jsonb_build_array(p_spec),
    array[
      'title', 'waiting_on', 'clock', 'lasts', 'deadline_action', 'free_text', 'on_block',
      'work_status', 'moves'
    ]
  );
  perform private.refuse_unknown_keys(
    p_state, v_moves,
    '{name,kind,role,action,guards,to,awaiting,effects,reason,follow_up,button,inputs,messages}'
  );

  insert into private.flow_states as s (
    flow_id, position, state, title, waiting_on, clock, lasts, deadline_action,
    free_text, on_block, work_status
  )
  select
    f.id, v_position, p_state, said.title, coalesce(said.waiting_on, 'none'), said.clock,
    said.lasts, said.deadline_action, coalesce(said.free_text, false),
    said.on_block, said.work_status
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_to_record(p_spec) as said (
    title text, waiting_on text, clock text, lasts interval, deadline_action text,
    free_text boolean, on_block text, work_status text
  )
  on conflict (flow_id, state) do update
  set (
    position, title, waiting_on, clock, lasts, deadline_action, free_text, on_block,
    work_status
  ) = (
    excluded.position, excluded.title, excluded.waiting_on, excluded.clock, excluded.lasts,
    excluded.deadline_action, excluded.free_text, excluded.on_block,
    excluded.work_status
  );
  insert into private.flow_states (flow_id, position, state, title)
  select distinct f.id, 0, move.value ->> 'to', move.value ->> 'to'
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_array_elements(v_moves) as move
  where move.value ? 'to'
    and (not move.value ? 'kind' or f.id in (select private.draft_flows(move.value ->> 'kind')))
  on conflict (flow_id, state) do nothing;

  insert into private.flow_transitions (
    flow_id, name, position, from_state, role, action, guards, to_state, awaiting, effects, reason,
    follow_up
  )
  select
    f.id, said.name, v_position * 100 + move.place, p_state, role.name, said.action,
    coalesce(said.guards, '{}'), coalesce(said."to", p_state), said.awaiting,
    coalesce(said.effects, '{}'), said.reason, said.follow_up
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_array_elements(v_moves) with ordinality as move (item, place)
  cross join jsonb_to_record(move.item) as said (
    name text, kind text, role text, action text, guards text[], "to" text, awaiting text,
    effects text[], reason text, follow_up text
  )
  cross join unnest(string_to_array(said.role, ' ')) as role (name)
  where said.kind is null or f.id in (select private.draft_flows(said.kind));

  insert into private.flow_actions (
    flow_id, state, role, action, position, text, style, drawn, data
  )
  select
    f.id, p_state, role.name, said.action,
    row_number() over (partition by f.id, role.name order by move.place),
    said.button ->> 'text', coalesce(said.button ->> 'style', 'secondary'),
    coalesce(said.button ->> 'drawn', 'button'), said.button -> 'data'
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_array_elements(v_moves) with ordinality as move (item, place)
  cross join jsonb_to_record(move.item) as said (kind text, role text, action text, button jsonb)
  cross join unnest(string_to_array(said.role, ' ')) as role (name)
  where said.button is not null
    and (said.kind is null or f.id in (select private.draft_flows(said.kind)));

  perform private.draft_moves(p_kinds, v_moves);
end;
$$;

-- Adds the messages of moves, by their names, and the fields of their actions to the drafts of some
-- kinds.
--
-- Args: the kinds; a list of `{name, action, kind, inputs, messages}`, other keys are for
-- draft_state. An input is `{field, type, required, min, max, max_length, placeholder, prefill,
-- input_type, is_secret, kind}`; `{field: "reason"}` alone is an optional text. A message is
-- `{type, to, text, title, subtitle, quote, buttons, notification, kind}`.
-- Writes: flow_inputs, flow_messages.
-- Errors: 22023 for an unknown key.
create or replace function private.draft_moves(p_kinds text, p_moves jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  c_reason constant jsonb := jsonb_build_object(
    'field', 'reason', 'type', 'textarea', 'placeholder', 'Why? (optional)', 'input_type', 'reason'
  );
  v_move jsonb;
begin
  for v_move in
    select move.value from jsonb_array_elements(p_moves) as move
  loop
    perform private.refuse_unknown_keys(
      v_move ->> 'action', coalesce(v_move -> 'inputs', '[]'),
      '{field,type,required,min,max,max_length,placeholder,prefill,input_type,is_secret,kind}'
    );
    perform private.refuse_unknown_keys(
      v_move ->> 'name', coalesce(v_move -> 'messages', '[]'),
      '{type,to,text,title,subtitle,quote,buttons,notification,kind}'
    );
    insert into private.flow_inputs (
      flow_id, action, field, position, type, required, min, max, max_length, placeholder,
      prefill, input_type, is_secret
    )
    select
      f.id, v_move ->> 'action', said.field, input.place, said.type,
      coalesce(said.required, false), said.min, said.max, said.max_length, said.placeholder,
      said.prefill, said.input_type, coalesce(said.is_secret, false)
    from private.draft_flows(coalesce(v_move ->> 'kind', p_kinds)) as f (id)
    cross join jsonb_array_elements(v_move -> 'inputs') with ordinality as input (item, place)
    cross join jsonb_to_record(
      case when input.item = '{"field": "reason"}' then c_reason else input.item end
    ) as said (
      field text, type text, required boolean, min numeric, max numeric, max_length integer,
      placeholder text, prefill text, input_type text, is_secret boolean, kind text
    )
    where said.kind is null or f.id in (select private.draft_flows(said.kind));
    insert into private.flow_messages (
      flow_id, transition, position, message_type, audience, text, title, subtitle, quote,
      buttons, notification
    )
    select
      f.id, v_move ->> 'name', message.place, said.type, said."to", said.text, said.title,
      said.subtitle, said.quote, said.buttons, said.notification
    from private.draft_flows(coalesce(v_move ->> 'kind', p_kinds)) as f (id)
    cross join jsonb_array_elements(v_move -> 'messages') with ordinality as message (item, place)
    cross join jsonb_to_record(message.item) as said (
      type text, "to" text, text text, title text, subtitle text, quote text, buttons jsonb,
      notification text, kind text
    )
    where said.kind is null or f.id in (select private.draft_flows(said.kind));
  end loop;
end;
$$;

-- Ends the call at a misspelt key, which would otherwise be a silent default.
--
-- Errors: 22023.
create or replace function private.refuse_unknown_keys(
  p_place text,
  p_items jsonb,
  p_known text[]
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_key text;
begin
  select key.name into v_key
  from jsonb_array_elements(p_items) as item
  cross join jsonb_object_keys(item.value) as key (name)
  where key.name <> all (p_known)
  limit 1;
  if found then
    raise exception 'nobody reads the key % of %', v_key, p_place
      using errcode = 'invalid_parameter_value';
  end if;
end;
$$;
