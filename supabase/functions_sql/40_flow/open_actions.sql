-- The open actions of a party now, in the order of the screen: those of private.draw_screen, with
-- values for placeholders. Paying is not offered while a payment that the bank has approved is
-- being confirmed.
--
-- Args: the conversation as it is now; the user; the user's role in it.
create or replace function private.open_actions(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text
)
returns jsonb[]
language plpgsql
stable
set search_path = ''
as $$
declare
  v_screen private.flow_screens;
  v_step private.flow_step;
  v_failed text[] := array[]::text[];
  v_values jsonb;
  v_action jsonb;
  v_way text;
  v_is_open boolean;
  v_actions jsonb[] := array[]::jsonb[];
begin
  select s.* into v_screen
  from private.flow_screens as s
  where s.flow_id = p_conversation.flow_id
    and s.state = p_conversation.flow_state
    and s.role = p_role;
  if v_screen.is_fixed is not false then
    return coalesce(v_screen.actions, v_actions);
  end if;
  if v_screen.guards <> '{}' then
    v_step.rules := v_screen.rules;
    v_step.before := p_conversation;
    v_step.actor_id := p_actor_id;
    v_step.role := p_role;
    v_step.at := now();
    v_failed := private.failed_guards(v_step, v_screen.guards);
  end if;
  foreach v_action in array v_screen.actions loop
    v_is_open := v_failed = '{}' or not v_action ? 'ways';
    if not v_is_open then
      foreach v_way in array string_to_array(v_action ->> 'ways', '|') loop
        v_is_open := not string_to_array(v_way, ',') && v_failed;
        exit when v_is_open;
      end loop;
    end if;
    continue when not v_is_open or v_action ->> 'action' = 'proceed_to_payment'
      and private.awaits_capture(p_conversation.id);
    if v_action ? 'fills' then
      v_values := coalesce(v_values, private.deal_values(p_conversation));
      v_action := private.fill_action(v_action, p_conversation.flow_id, v_values);
    end if;
    v_actions := v_actions || v_action;
  end loop;
  return v_actions;
end;
$$;

-- An action of a screen with the values of its placeholders.
create or replace function private.fill_action(p_action jsonb, p_flow_id bigint, p_values jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_action jsonb := p_action || jsonb_build_object(
    'text', private.fill_template(p_action ->> 'text', p_values),
    -- A value in a button keeps its type: a number does not become a text.
    'data', (
      select jsonb_object_agg(d.key, coalesce(p_values -> btrim(d.value, '{}'), 'null'))
      from jsonb_each_text(nullif(p_action -> 'data', 'null')) as d
    )
  );
begin
  if v_action -> 'schema' = 'null' then
    v_action := v_action || jsonb_build_object(
      'fields', private.draw_fields(p_flow_id, v_action ->> 'action', p_values),
      'schema', private.input_schema(p_flow_id, v_action ->> 'action', p_values)
    );
  end if;
  return private.draw_action(v_action);
end;
$$;

-- The open actions of a party now, in the shape that clients get: `[{action, button_id, text,
-- style, input, schema, cost, deadline_at}]`; input is the action's first field, or null.
create or replace function private.actions_json(
  p_conversation private.conversations,
  p_user_id uuid,
  p_role text
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_end constant text := coalesce(to_json(p_conversation.deadline_at)::text, 'null') || '}';
  v_action jsonb;
  v_offers text := text '';
begin
  foreach v_action in array private.open_actions(p_conversation, p_user_id, p_role) loop
    v_offers := v_offers || case v_offers when '' then '' else ', ' end
      || (v_action ->> 'offer') || v_end;
  end loop;
  return ('[' || v_offers || ']')::json;
end;
$$;
