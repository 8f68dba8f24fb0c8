-- How a client shows on the user's other devices that an action was taken: as a text that was
-- typed, when the action is a form, or as a button.
create or replace function private.describe_action(
  p_conversation public.conversations,
  p_action text
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_input_type text;
begin
  select i.input_type into v_input_type
  from private.flow_inputs as i
  where i.flow_id = p_conversation.flow_id
    and i.action = p_action
    and i.required
    and i.input_type is not null
  order by i.position
  limit 1;
  return case when v_input_type is null
    then jsonb_build_object('event', 'button_action', 'button_id', p_action)
    else jsonb_build_object('event', 'text_input', 'input_type', v_input_type)
  end;
end;
$$;

revoke all on function private.describe_action(public.conversations, text)
from public, anon, authenticated, service_role;
