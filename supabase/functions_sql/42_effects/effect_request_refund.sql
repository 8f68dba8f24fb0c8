-- All that is held is to go back to the brand owner.
--
-- Writes: refunds.
create or replace function private.effect_request_refund(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation := private.ask_refund(v_step, v_conversation.held_minor);
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_request_refund(private.flow_step)
from public, anon, authenticated, service_role;
