-- The field that a user's text is for, among the forms that are open for that user now.
--
-- Errors: INPUT_INVALID (422) `{field: "input_type"}` when the open form is another one,
-- NOT_YOUR_TURN (409) when the other side has the form, CHAT_CLOSED (409), FLOW_STATE_INVALID
-- (409).
create or replace function private.find_form(p_call private.action_call, p_input_type text)
returns private.flow_inputs
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation constant public.conversations := p_call.conversation;
  v_form private.flow_inputs;
begin
  select i.* into v_form
  from private.open_forms(v_conversation, p_call.actor_id, p_call.role) as i
  where i.input_type = p_input_type;
  if found then
    return v_form;
  end if;
  if v_conversation.chat_status = 'closed' then
    perform private.raise_chat_closed();
  end if;
  if exists (select from private.open_forms(v_conversation, p_call.actor_id, p_call.role)) then
    perform private.raise_input_invalid(
      'input_type', 'open_form', 'Another kind of text is asked for now.'
    );
  end if;
  if exists (
    select from private.open_forms(
      v_conversation,
      case p_call.actor_id
        when v_conversation.user_a then v_conversation.user_b
        else v_conversation.user_a
      end,
      private.other_role(p_call.role)
    )
  ) then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  perform private.raise_state_invalid(
    v_conversation, p_call.actor_id, p_call.role,
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

revoke all on function private.find_form(private.action_call, text)
from public, anon, authenticated, service_role;
