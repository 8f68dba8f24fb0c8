-- The deal goes on where it was before the pause. A time limit that ran on is the one it was, one
-- that was frozen moves on by the pause, and neither is nearer than the state's resumes_with; but
-- whoever takes an own request back makes no time for themselves.
create or replace function private.effect_resume(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
  v_resume constant jsonb := v_conversation.flow_data -> 'resume';
  v_pause interval;
  v_is_own_doing constant boolean := v_conversation.awaiting_role = p_step.role
    and p_step.role = coalesce(
      (p_step.before).flow_data #>> '{cancellation,by}',
      (p_step.before).flow_data #>> '{dispute,opened_by}',
      ''
    );
begin
  v_pause := p_step.at - (v_resume ->> 'frozen_at')::timestamptz;
  v_conversation.work_status := v_resume ->> 'work_status';
  v_conversation.deadline_at := greatest(
    (v_resume ->> 'deadline_at')::timestamptz + coalesce(v_pause, interval '0'),
    case when not v_is_own_doing then
      p_step.at + (
        select s.resumes_with from private.flow_states as s
        where s.flow_id = v_conversation.flow_id and s.state = v_conversation.flow_state
      )
    end
  );
  if v_pause is not null then
    v_conversation.delivery_due_at := v_conversation.delivery_due_at + v_pause;
    v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
      'clock_from', (v_conversation.flow_data ->> 'clock_from')::timestamptz + v_pause
    );
  end if;
  v_conversation.flow_data := v_conversation.flow_data - 'resume';
  return v_conversation;
end;
$$;

revoke all on function private.effect_resume(private.flow_step)
from public, anon, authenticated, service_role;
