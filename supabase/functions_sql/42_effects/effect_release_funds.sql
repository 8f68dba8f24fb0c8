-- What is held is the influencer's, less the fee.
--
-- Writes: escrow_ledger, payouts.
create or replace function private.effect_release_funds(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation := private.release_held(v_step);
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_release_funds(private.flow_step)
from public, anon, authenticated, service_role;
