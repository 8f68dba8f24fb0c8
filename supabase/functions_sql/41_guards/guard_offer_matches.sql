-- Holds when the price that the actor saw is the standing offer, or the actor named none.
create or replace function private.guard_offer_matches(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.price_matches(p_step, 'offer_minor');
end;
$$;

revoke all on function private.guard_offer_matches(private.flow_step)
from public, anon, authenticated, service_role;
