-- Sends what was typed into the form that is open for the caller.
--
-- input_type says which field the client means: negotiation, price, project_details, question,
-- work_submission, feedback or reason.
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: what private.begin_action and
-- private.finish_action write.
-- Errors: INPUT_INVALID (422) `{field, rule}` when another text is asked for, NOT_YOUR_TURN (409)
-- when the other side is asked, FLOW_STATE_INVALID (409) when nobody is, CHAT_CLOSED (409),
-- PRICE_UNPARSEABLE (422) `{understood}` for a price that cannot be read; and those of take_action.
create or replace function private.submit_text(
  p_conversation_id uuid,
  p_text text,
  p_input_type text,
  p_client_action_id uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_call private.action_call;
  v_form private.flow_inputs;
begin
  v_call := private.begin_action(
    p_conversation_id, jsonb_build_object('text', p_text, 'input_type', p_input_type),
    p_client_action_id
  );
  if v_call.earlier is not null then
    return v_call.earlier;
  end if;
  v_form := private.find_form(v_call, p_input_type);
  return private.finish_action(
    v_call, v_form.action,
    jsonb_build_object(
      v_form.field,
      -- Nothing typed into a price is a price that cannot be read.
      case when v_form.type = 'price' then coalesce(p_text, '') else p_text end
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
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.submit_text(conversation_id, text, input_type, client_action_id);
$$;

revoke all on function private.submit_text(uuid, text, text, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.submit_text(uuid, text, text, uuid) to authenticated;
revoke all on function public.submit_text(uuid, text, text, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.submit_text(uuid, text, text, uuid) to authenticated;
