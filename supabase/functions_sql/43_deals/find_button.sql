-- The button that a user clicks, `{action, data}`, from what the engine stored with its message.
--
-- Args: the call; the button; the message (null: the newest open one that has the button).
-- Errors: MESSAGE_NOT_FOUND (404), ACTION_ALREADY_COMPLETED (409) `{completed_by,
-- completed_action}`, ACTION_UNKNOWN (422).
create or replace function private.find_button(
  p_call private.action_call,
  p_button_id text,
  p_message_id uuid
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_message public.messages;
  v_button jsonb;
begin
  select m.* into v_message
  from public.messages as m
  where m.conversation_id = (p_call.conversation).id
    and m.action_required
    and (m.visible_to = 'all' or m.receiver_id = p_call.actor_id)
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

revoke all on function private.find_button(private.action_call, text, uuid)
from public, anon, authenticated, service_role;
