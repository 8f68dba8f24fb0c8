-- The question whether to cancel is answered, or no longer matters.
create or replace function private.effect_drop_cancellation(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data - 'cancellation';
  return v_conversation;
end;
$$;

revoke all on function private.effect_drop_cancellation(private.flow_step)
from public, anon, authenticated, service_role;
