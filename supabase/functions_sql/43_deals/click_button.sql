-- Clicks a button of an action message: takes the action that the flow stored with that button.
--
-- Without a message it takes the newest open one that has the button; a button that no open message
-- has is the action of that name. additional_data is the action's input; the button's data fills in
-- missing fields.
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: MESSAGE_NOT_FOUND (404) for a message that is no action message, or not visible to the
-- caller, ACTION_ALREADY_COMPLETED (409) `{completed_by, completed_action}` for a button of an old
-- message, ACTION_UNKNOWN (422) for a button that it does not have; and those of take_action.
create or replace function private.click_button(
  p_conversation_id uuid,
  p_button_id text,
  p_additional_data jsonb,
  p_message_id uuid,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_button jsonb;
begin
  v_step := private.begin_action(
    p_conversation_id,
    jsonb_build_object('button_id', p_button_id, 'message_id', p_message_id),
    p_additional_data, p_client_action_id
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  v_button := private.find_button(v_step, p_button_id, p_message_id);
  return private.finish_action(
    v_step, v_button ->> 'action',
    case jsonb_typeof(v_step.input)
      when 'object' then coalesce(v_button -> 'data', '{}') || v_step.input
      else v_step.input
    end,
    jsonb_build_object('event', 'button_action', 'button_id', p_button_id)
  );
end;
$$;

-- RPC: clicks a button; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.click_button(
  conversation_id uuid,
  button_id text,
  additional_data jsonb default '{}',
  message_id uuid default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.click_button(
    conversation_id, button_id, additional_data, message_id, client_action_id
  );
$$;

-- The button that a user clicks, `{action, data}`, as it is stored in its message.
--
-- Args: the step; the button; the message (null: the newest open one that has the button).
-- Errors: MESSAGE_NOT_FOUND (404), ACTION_ALREADY_COMPLETED (409) `{completed_by,
-- completed_action}`, ACTION_UNKNOWN (422).
create or replace function private.find_button(
  p_step private.flow_step,
  p_button_id text,
  p_message_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_message public.messages;
  v_button jsonb;
begin
  select m.* into v_message
  from public.messages as m
  where m.conversation_id = (p_step.conversation).id
    and m.action_required
    and (m.visible_to = 'all' or m.receiver_id = p_step.actor_id)
    and case when p_message_id is null
      then not m.action_completed and m.action_data -> 'buttons' @> jsonb_build_array(
        jsonb_build_object('id', p_button_id)
      )
      else m.id = p_message_id
    end
  order by m.seq desc
  limit 1;
  if not found and p_message_id is null then
    return jsonb_build_object('action', p_button_id);
  end if;
  if not found then
    perform private.raise_error(
      'MESSAGE_NOT_FOUND', 'There is no such action message among yours.', p_status => 404
    );
  end if;
  if v_message.action_completed then
    perform private.raise_error(
      'ACTION_ALREADY_COMPLETED', 'This was answered already.',
      jsonb_build_object(
        'completed_by', v_message.action_data -> 'completed_by',
        'completed_action', v_message.action_data -> 'completed_action'
      ),
      p_status => 409, p_hint => 'Call get_available_actions to see what can be done now.'
    );
  end if;
  v_button := (
    select b.value
    from jsonb_array_elements(v_message.action_data -> 'buttons') as b
    where b.value ->> 'id' = p_button_id
  );
  if v_button is null and v_message.action_data ->> 'submit_action' = p_button_id then
    v_button := jsonb_build_object('action', p_button_id);
  end if;
  if v_button is null then
    perform private.raise_error(
      'ACTION_UNKNOWN', 'The message has no such button.', p_status => 422
    );
  end if;
  return v_button;
end;
$$;

grant execute on function private.click_button(uuid, text, jsonb, uuid, uuid) to authenticated;
grant execute on function public.click_button(uuid, text, jsonb, uuid, uuid) to authenticated;
