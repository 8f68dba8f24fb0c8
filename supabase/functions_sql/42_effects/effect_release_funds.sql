-- What is held is the influencer's, less the fee.
--
-- Writes: escrow_ledger, payouts.
create or replace function private.effect_release_funds(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  return private.release_held(p_step);
end;
$$;

revoke all on function private.effect_release_funds(private.flow_step)
from public, anon, authenticated, service_role;
