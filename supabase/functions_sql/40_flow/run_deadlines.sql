-- Takes the steps that are due by now, each at the time when it was due, and returns the
-- conversation after them; most often there is none.
--
-- The one that comes back in time: readers pass p_is_trial and see what is so now, writers store
-- it. A limit that lies before the step that led to it is due with that step.
-- Locks: unless this is a trial, the conversation's row must be locked already. Writes: what
-- private.advance_conversation writes, unless this is a trial.
-- Errors: none; the proof shows that the flow's own steps can be taken.
create or replace function private.run_deadlines(
  p_conversation public.conversations,
  p_is_trial boolean
)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  -- More than any proved flow takes by itself: a belt beside the proof's braces.
  c_most constant integer := 100;
  v_step private.flow_step;
  v_outcome private.flow_outcome;
  -- A writer may have waited for the lock since its transaction began.
  v_now constant timestamptz := case when p_is_trial then now() else clock_timestamp() end;
begin
  v_step.conversation := p_conversation;
  v_step.role := 'system';
  v_step.is_trial := p_is_trial;
  for v_count in 1 .. c_most loop
    exit when (v_step.conversation).deadline_at is null
      or (v_step.conversation).deadline_at > v_now;
    v_step.at := greatest(
      (v_step.conversation).deadline_at, (v_step.conversation).entered_at
    );
    v_step.input := '{}';
    v_step.action := (
      select s.deadline_action
      from private.flow_states as s
      where s.flow_id = (v_step.conversation).flow_id
        and s.state = (v_step.conversation).flow_state
    );
    v_outcome := private.advance_conversation(v_step);
    v_step.conversation := v_outcome.conversation;
  end loop;
  return v_step.conversation;
end;
$$;

revoke all on function private.run_deadlines(public.conversations, boolean)
from public, anon, authenticated, service_role;
