-- Fixes the standing offer as the agreed price.
create or replace function private.effect_agree_on_offer(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.agree_on(p_step.conversation, 'offer_minor');
end;
$$;

revoke all on function private.effect_agree_on_offer(private.flow_step)
from public, anon, authenticated, service_role;
