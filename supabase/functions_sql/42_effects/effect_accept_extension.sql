-- The delivery is due later by the days asked for.
create or replace function private.effect_accept_extension(p_step private.flow_step)
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
  v_conversation.delivery_due_at := v_conversation.delivery_due_at
    + (v_conversation.flow_data #>> '{extension,days}')::integer * interval '1 day';
  v_conversation.flow_data := v_conversation.flow_data - 'extension';
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_accept_extension(private.flow_step)
from public, anon, authenticated, service_role;
