-- The newest submission is the one that counts.
--
-- Writes: work_submissions.
create or replace function private.effect_approve_work(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.review_submission(p_step, 'approved');
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_approve_work(private.flow_step)
from public, anon, authenticated, service_role;
