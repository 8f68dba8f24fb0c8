-- What a party may do in a conversation now, in the order of the screen: `[{action, text, style,
-- drawn, data, fields, schema}]`, filled in.
--
-- fields are what clients draw of the action's input, schema is its JSON Schema.
-- Args: the conversation as it is now; the user; the user's role in it.
create or replace function private.open_actions(
  p_conversation public.conversations,
  p_actor_id uuid,
  p_role text
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_row record;
  v_action record;
  v_form private.flow_forms;
  v_values jsonb;
  v_open text[] := array[]::text[];
  v_actions jsonb[] := array[]::jsonb[];
begin
  for v_row in
    select t.action, t.guards, t.to_state
    from private.flow_transitions as t
    where t.flow_id = p_conversation.flow_id
      and t.from_state = p_conversation.flow_state
      and t.role = p_role
  loop
    if v_row.guards = '{}' then
      v_open := v_open || v_row.action;
      continue;
    end if;
    continue when v_row.action = any (v_open);
    if v_step.role is null then
      v_step.conversation := p_conversation;
      v_step.before := p_conversation;
      v_step.actor_id := p_actor_id;
      v_step.role := p_role;
      v_step.input := '{}';
      v_step.at := now();
    end if;
    if private.failed_guard(v_step, v_row.guards, v_row.to_state) is null then
      v_open := v_open || v_row.action;
    end if;
  end loop;

  for v_action in
    select a.action, a.text, a.style, a.drawn, a.data, f.fields, f.schema
    from private.flow_actions as a
    left join private.flow_forms as f on f.flow_id = a.flow_id and f.action = a.action
    where a.flow_id = p_conversation.flow_id
      and a.state = p_conversation.flow_state
      and a.role = p_role
      and a.action = any (v_open)
    order by a.position
  loop
    if v_action.schema is null or v_action.text like '%{%' or v_action.data::text like '%"{%' then
      v_values := coalesce(v_values, private.deal_values(p_conversation));
      v_action.text := private.fill_template(v_action.text, v_values);
      -- A value in a button stays what it is: a number is no text.
      v_action.data := (
        select jsonb_object_agg(d.key, coalesce(v_values -> btrim(d.value, '{}'), 'null'))
        from jsonb_each_text(v_action.data) as d
      );
      if v_action.schema is null then
        v_form := private.draw_form(p_conversation.flow_id, v_action.action, v_values);
        v_action.fields := v_form.fields;
        v_action.schema := v_form.schema;
      end if;
    end if;
    v_actions := v_actions || to_jsonb(v_action);
  end loop;
  return to_jsonb(v_actions);
end;
$$;

-- What a party may do in a conversation now, in the shape that clients get: `[{action, button_id,
-- text, style, input, schema, deadline_at}]`; input is the action's first field, or null.
create or replace function private.actions_json(
  p_conversation public.conversations,
  p_user_id uuid,
  p_role text
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'action', a.value -> 'action',
          'button_id', a.value -> 'action',
          'text', a.value -> 'text',
          'style', a.value -> 'style',
          'input', a.value -> 'fields' -> 0,
          'schema', a.value -> 'schema',
          'deadline_at', p_conversation.deadline_at
        )
        order by a.ordinality
      ),
      '[]'
    )
    from jsonb_array_elements(private.open_actions(p_conversation, p_user_id, p_role))
      with ordinality as a
  );
end;
$$;
