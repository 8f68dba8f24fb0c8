-- The brand owner keeps the standing offer; it is the final one now.
--
-- Writes: offers.
create or replace function private.effect_hold_offer(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data || '{"offer_is_final": true}';
  v_step.conversation := v_conversation;
  perform private.record_offer(v_step, 'offer_minor');
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_hold_offer(private.flow_step)
from public, anon, authenticated, service_role;
