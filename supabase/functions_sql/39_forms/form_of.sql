-- What private.draw_form draws, from private.flow_forms where it is kept there.
--
-- Args: the conversation, for what is to be filled in; the action.
create or replace function private.form_of(
  p_conversation public.conversations,
  p_action text
)
returns private.flow_forms
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_form private.flow_forms;
begin
  select f.* into v_form
  from private.flow_forms as f
  where f.flow_id = p_conversation.flow_id and f.action = p_action;
  if not found then
    v_form := private.draw_form(
      p_conversation.flow_id, p_action, private.deal_values(p_conversation)
    );
  end if;
  return v_form;
end;
$$;

revoke all on function private.form_of(public.conversations, text)
from public, anon, authenticated, service_role;
