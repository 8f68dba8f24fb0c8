-- The brand owner keeps the standing offer; it is the final one now.
--
-- Writes: offers.
create or replace function private.effect_hold_offer(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data || '{"offer_is_final": true}';
  perform private.record_offer(p_step, v_conversation, 'offer_minor');
  return v_conversation;
end;
$$;

revoke all on function private.effect_hold_offer(private.flow_step)
from public, anon, authenticated, service_role;
