-- Takes one row of the flow: the conversation enters the row's state, then the row's effects run.
--
-- Returns the step with the conversation as it is afterwards. A step that a time limit takes
-- leaves its time in timed_at.
-- Writes: what the effects write, unless the step is a trial.
create or replace function private.take_row(
  p_step private.flow_step,
  p_row private.flow_transitions
)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
  v_state private.flow_states;
  v_effect text;
begin
  v_step.before := p_step.conversation;
  v_step.reason := private.fill_template(
    coalesce(p_row.reason, p_row.action), jsonb_build_object('role', p_step.role)
  );
  if p_row.to_state <> p_row.from_state then
    select s.* into v_state
    from private.flow_states as s
    where s.flow_id = p_row.flow_id and s.state = p_row.to_state;
    v_conversation.flow_state := p_row.to_state;
    v_conversation.chat_status := private.chat_status_of(p_row.to_state);
    v_conversation.automation_enabled := v_conversation.chat_status = 'automated';
    v_conversation.entered_at := p_step.at;
    v_conversation.deadline_at := private.state_deadline(v_conversation);
    v_conversation.work_status := coalesce(v_state.work_status, v_conversation.work_status);
  end if;
  v_conversation.awaiting_role := case p_row.awaiting
    when 'unchanged' then v_conversation.awaiting_role
    when 'other' then private.other_role(p_step.role)
    else p_row.awaiting
  end;
  v_conversation.version := v_conversation.version + 1;
  v_conversation.updated_at := p_step.at;
  if p_step.role = 'system' and exists (
    select from private.flow_states as s
    where s.flow_id = p_row.flow_id
      and s.state = p_row.from_state
      and s.deadline_action = p_row.action
  ) then
    v_conversation.timed_at := p_step.at;
  end if;

  v_step.conversation := v_conversation;
  foreach v_effect in array p_row.effects loop
    v_step.conversation := private.run_effect(v_effect, v_step);
  end loop;
  return v_step;
end;
$$;

revoke all on function private.take_row(private.flow_step, private.flow_transitions)
from public, anon, authenticated, service_role;
