-- Notes what became of the newest submission of work, with the feedback of the step if any.
--
-- Writes: work_submissions.
create or replace function private.review_submission(p_step private.flow_step, p_status text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_step.is_trial then
    return;
  end if;
  update public.work_submissions as s
  set status = p_status, feedback = p_step.input ->> 'feedback', reviewed_at = p_step.at
  where s.conversation_id = (p_step.conversation).id and s.status = 'submitted';
end;
$$;

revoke all on function private.review_submission(private.flow_step, text)
from public, anon, authenticated, service_role;
