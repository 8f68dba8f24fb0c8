-- Stores what the influencer delivers, numbered.
--
-- Writes: work_submissions.
create or replace function private.effect_store_submission(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.work_submitted := true;
  v_conversation.submission_date := p_step.at;
  v_conversation.work_submission := p_step.input || jsonb_build_object('submitted_at', p_step.at);
  if not p_step.is_trial then
    insert into public.work_submissions (
      conversation_id, number, deliverables, description, submission_notes, submitted_at
    )
    select
      v_conversation.id, coalesce(max(s.number), 0) + 1, p_step.input ->> 'deliverables',
      p_step.input ->> 'description', p_step.input ->> 'submission_notes', p_step.at
    from public.work_submissions as s
    where s.conversation_id = v_conversation.id;
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_store_submission(private.flow_step)
from public, anon, authenticated, service_role;
