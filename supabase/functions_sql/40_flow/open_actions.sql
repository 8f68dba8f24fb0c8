-- What a party may do in a conversation now, in the order of the screen: `[{action, text, style,
-- drawn, data, fields, schema}]`, filled in.
--
-- fields are what clients draw of the action's input, schema is its JSON Schema. Paying is not
-- offered while a payment that the bank has approved is being confirmed.
-- Args: the conversation as it is now; the user; the user's role in it.
create or replace function private.open_actions(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_screen private.flow_screens;
  v_step private.flow_step;
  v_action jsonb;
  v_way jsonb;
  v_is_open boolean;
  v_values jsonb;
  v_actions jsonb := jsonb '[]';
begin
  select s.* into v_screen
  from private.flow_screens as s
  where s.flow_id = p_conversation.flow_id
    and s.state = p_conversation.flow_state
    and s.role = p_role;
  if v_screen.is_fixed then
    return v_screen.actions;
  end if;
  v_step.conversation := p_conversation;
  v_step.before := p_conversation;
  v_step.actor_id := p_actor_id;
  v_step.role := p_role;
  v_step.input := '{}';
  v_step.at := now();
  for v_action in
    select a.value from jsonb_array_elements(v_screen.actions) as a
  loop
    continue when v_action ->> 'action' = 'proceed_to_payment'
      and private.awaits_capture(p_conversation.id);
    if v_action ? 'ways' then
      v_is_open := false;
      for v_way in
        select w.value from jsonb_array_elements(v_action -> 'ways') as w
      loop
        v_is_open := private.failed_guard(
          v_step, string_to_array(v_way ->> 'guards', ' '), v_way ->> 'to'
        ) is null;
        exit when v_is_open;
      end loop;
      continue when not v_is_open;
    end if;
    if v_action ? 'fills' then
      v_values := coalesce(v_values, private.deal_values(p_conversation));
      v_action := v_action || jsonb_build_object(
        'text', private.fill_template(v_action ->> 'text', v_values),
        -- A value in a button stays what it is: a number is no text.
        'data', (
          select jsonb_object_agg(d.key, coalesce(v_values -> btrim(d.value, '{}'), 'null'))
          from jsonb_each_text(nullif(v_action -> 'data', 'null')) as d
        )
      );
      if v_action -> 'schema' = 'null' then
        v_action := v_action || jsonb_build_object(
          'fields', private.draw_fields(
            p_conversation.flow_id, v_action ->> 'action', v_values
          ),
          'schema', private.input_schema(
            p_conversation.flow_id, v_action ->> 'action', v_values
          )
        );
      end if;
    end if;
    v_actions := v_actions || (v_action - array['ways', 'fills']);
  end loop;
  return v_actions;
end;
$$;

-- What a party may do in a conversation now, in the shape that clients get: `[{action, button_id,
-- text, style, input, schema, deadline_at}]`; input is the action's first field, or null.
create or replace function private.actions_json(
  p_conversation private.conversations,
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
          'deadline_at', p_conversation.deadline_at,
          -- Only messages cost points; a step of a deal is free.
          'cost', 0
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
