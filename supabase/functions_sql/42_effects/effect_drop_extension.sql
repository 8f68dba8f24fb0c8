-- The question for more time falls.
create or replace function private.effect_drop_extension(p_step private.flow_step)
returns private.flow_step
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data - 'extension';
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_drop_extension(private.flow_step)
from public, anon, authenticated, service_role;
