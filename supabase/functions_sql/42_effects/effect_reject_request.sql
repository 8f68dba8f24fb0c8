-- The brand owner rejects the application.
--
-- Writes: requests.
create or replace function private.effect_reject_request(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    update public.requests as r
    set status = 'rejected', updated_at = p_step.at
    where r.id = (p_step.conversation).request_id and r.status = 'pending';
  end if;
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_reject_request(private.flow_step)
from public, anon, authenticated, service_role;
