-- The newest submission is the one that counts.
--
-- Writes: work_submissions.
create or replace function private.effect_approve_work(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  perform private.review_submission(v_step, 'approved');
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_approve_work(private.flow_step)
from public, anon, authenticated, service_role;
