-- The bank has taken back what was held.
--
-- Writes: escrow_ledger.
create or replace function private.effect_charge_back(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.charged_back_minor
    := v_conversation.charged_back_minor + v_conversation.held_minor;
  v_conversation.held_minor := 0;
  v_conversation.flow_data := v_conversation.flow_data - 'resume';
  perform private.record_transfer(
    p_step, 'held', 'charged_back', (p_step.conversation).held_minor, null
  );
  return v_conversation;
end;
$$;

revoke all on function private.effect_charge_back(private.flow_step)
from public, anon, authenticated, service_role;
