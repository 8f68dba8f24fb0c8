-- The brand owner wants the work changed.
--
-- Writes: work_submissions.
create or replace function private.effect_request_revision(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.work_status := 'revision_requested';
  v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
    'revision_count', private.flow_count(v_conversation, 'revision_count') + 1
  );
  perform private.review_submission(p_step, 'revision_requested');
  return v_conversation;
end;
$$;

revoke all on function private.effect_request_revision(private.flow_step)
from public, anon, authenticated, service_role;
