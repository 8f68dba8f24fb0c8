-- Clicks a button of an action message: the action is the one that the engine itself stored there.
--
-- Without a message the newest open one that has the button is meant; a button that no open message
-- shows is taken as the action of that name. additional_data is the action's input; what the button
-- carries fills in what it does not say.
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: what private.begin_action and
-- private.finish_action write.
-- Errors: MESSAGE_NOT_FOUND (404) for what is no action message that the caller sees,
-- ACTION_ALREADY_COMPLETED (409) `{completed_by, completed_action}` for a button of an old one,
-- ACTION_UNKNOWN (422) for one that it does not have; and those of take_action.
create or replace function private.click_button(
  p_conversation_id uuid,
  p_button_id text,
  p_additional_data jsonb,
  p_message_id uuid,
  p_client_action_id uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_call private.action_call;
  v_button jsonb;
begin
  v_call := private.begin_action(
    p_conversation_id,
    jsonb_build_object(
      'button_id', p_button_id, 'message_id', p_message_id,
      'additional_data', coalesce(p_additional_data, '{}')
    ),
    p_client_action_id
  );
  if v_call.earlier is not null then
    return v_call.earlier;
  end if;
  v_button := private.find_button(v_call, p_button_id, p_message_id);
  return private.finish_action(
    v_call, v_button ->> 'action',
    case jsonb_typeof(p_additional_data)
      when 'object' then coalesce(v_button -> 'data', '{}') || p_additional_data
      else coalesce(p_additional_data, v_button -> 'data')
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
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.click_button(
    conversation_id, button_id, additional_data, message_id, client_action_id
  );
$$;

revoke all on function private.click_button(uuid, text, jsonb, uuid, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.click_button(uuid, text, jsonb, uuid, uuid) to authenticated;
revoke all on function public.click_button(uuid, text, jsonb, uuid, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.click_button(uuid, text, jsonb, uuid, uuid) to authenticated;
