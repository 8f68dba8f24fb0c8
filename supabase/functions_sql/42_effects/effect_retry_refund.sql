-- The refund did not go through and stays asked for.
--
-- Writes: refunds.
create or replace function private.effect_retry_refund(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    update private.refunds as r
    set attempts = r.attempts + 1
    where r.conversation_id = (p_step.conversation).id
      and r.kind = 'deal'
      and r.status = 'requested';
  end if;
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_retry_refund(private.flow_step)
from public, anon, authenticated, service_role;
