-- The question for more time falls.
create or replace function private.effect_drop_extension(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data - 'extension';
  return v_conversation;
end;
$$;

revoke all on function private.effect_drop_extension(private.flow_step)
from public, anon, authenticated, service_role;
