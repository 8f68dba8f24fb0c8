-- Submits a typed text to the form that is open for the caller.
--
-- input_type says which field the client means: negotiation, price, project_details, question,
-- work_submission, feedback or reason.
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: INPUT_INVALID (422) `{field, rule}` when the open form is another one, NOT_YOUR_TURN
-- (409) when the other side has the form, FLOW_STATE_INVALID (409) when nobody has one, CHAT_CLOSED
-- (409), PRICE_UNPARSEABLE (422) `{understood}` for a price that cannot be read; and those of
-- take_action.
create or replace function private.submit_text(
  p_conversation_id uuid,
  p_text text,
  p_input_type text,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_form private.flow_inputs;
  v_text text;
begin
  v_step := private.begin_action(
    p_conversation_id, jsonb_build_object('input_type', p_input_type),
    jsonb_build_object('text', p_text), p_client_action_id
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  v_text := v_step.input ->> 'text';
  v_form := private.find_form(v_step, p_input_type);
  return private.finish_action(
    v_step, v_form.action,
    jsonb_build_object(
      v_form.field,
      -- An empty price is a price that cannot be read.
      case when v_form.type = 'price' then coalesce(v_text, '') else v_text end
    ),
    jsonb_build_object('event', 'text_input', 'input_type', p_input_type)
  );
end;
$$;

-- RPC: submits a typed text; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.submit_text(
  conversation_id uuid,
  text text,
  input_type text,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.submit_text(conversation_id, text, input_type, client_action_id);
$$;

-- The field that a user's text is for, among the forms that are open for that user now.
--
-- Errors: INPUT_INVALID (422) `{field: "input_type"}` when the open form is another one,
-- NOT_YOUR_TURN (409) when the other side has the form, CHAT_CLOSED (409), FLOW_STATE_INVALID
-- (409).
create or replace function private.find_form(p_step private.flow_step, p_input_type text)
returns private.flow_inputs
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  v_form private.flow_inputs;
begin
  select i.* into v_form
  from private.open_forms(v_conversation, p_step.actor_id, p_step.role) as i
  where i.input_type = p_input_type;
  if found then
    return v_form;
  end if;
  if v_conversation.chat_status = 'closed' then
    perform private.raise_chat_closed();
  end if;
  if exists (select from private.open_forms(v_conversation, p_step.actor_id, p_step.role)) then
    perform private.raise_input_invalid(
      'input_type', 'open_form', 'Another kind of text is asked for now.'
    );
  end if;
  if exists (
    select from private.open_forms(
      v_conversation,
      case p_step.actor_id
        when v_conversation.user_a then v_conversation.user_b
        else v_conversation.user_a
      end,
      private.other_role(p_step.role)
    )
  ) then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  perform private.raise_state_invalid(
    v_conversation, p_step.actor_id, p_step.role,
    array(
      select a.state
      from private.flow_actions as a
      join private.flow_inputs as i on i.flow_id = a.flow_id and i.action = a.action
      join private.flow_states as s on s.flow_id = a.flow_id and s.state = a.state
      where a.flow_id = v_conversation.flow_id
        and a.drawn in ('form', 'both')
        and i.input_type = p_input_type
      group by a.state
      order by min(s.position)
    )
  );
  return null;
end;
$$;

-- The fields that a party may fill in now: those of actions that are drawn as a form.
create or replace function private.open_forms(
  p_conversation private.conversations,
  p_user_id uuid,
  p_role text
)
returns setof private.flow_inputs
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select i.*
  from unnest(private.open_actions(p_conversation, p_user_id, p_role)) as a (action)
  join private.flow_inputs as i
    on i.flow_id = p_conversation.flow_id and i.action = a.action ->> 'action'
  where a.action ->> 'drawn' in ('form', 'both') and i.input_type is not null;
end;
$$;

grant execute on function private.submit_text(uuid, text, text, uuid) to authenticated;
grant execute on function public.submit_text(uuid, text, text, uuid) to authenticated;
