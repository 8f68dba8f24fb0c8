-- The brand owner rejects the application.
--
-- Writes: requests.
create or replace function private.effect_reject_request(p_step private.flow_step)
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
    update public.requests as r
    set status = 'rejected', updated_at = p_step.at
    where r.id = v_conversation.request_id and r.status = 'pending';
  end if;
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_reject_request(private.flow_step)
from public, anon, authenticated, service_role;
