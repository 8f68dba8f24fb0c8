-- The refund did not go through and stays asked for.
--
-- Writes: refunds.
create or replace function private.effect_retry_refund(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  if not p_step.is_trial then
    update private.refunds as r
    set attempts = r.attempts + 1
    where r.conversation_id = v_conversation.id and r.kind = 'deal' and r.status = 'requested';
  end if;
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_retry_refund(private.flow_step)
from public, anon, authenticated, service_role;
