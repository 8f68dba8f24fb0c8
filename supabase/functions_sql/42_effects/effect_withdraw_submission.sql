-- The influencer takes the newest submission back; an earlier one counts again.
--
-- Writes: work_submissions.
create or replace function private.effect_withdraw_submission(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  perform private.review_submission(p_step, 'withdrawn');
  select
    jsonb_strip_nulls(jsonb_build_object(
      'deliverables', s.deliverables, 'description', s.description,
      'submission_notes', s.submission_notes, 'submitted_at', s.submitted_at
    )),
    s.submitted_at
  into v_conversation.work_submission, v_conversation.submission_date
  from public.work_submissions as s
  where s.conversation_id = v_conversation.id and s.status = 'revision_requested'
  order by s.number desc
  limit 1;
  v_conversation.work_submitted := v_conversation.work_submission is not null;
  return v_conversation;
end;
$$;

revoke all on function private.effect_withdraw_submission(private.flow_step)
from public, anon, authenticated, service_role;
