-- Notes that a payment was tried, which keeps the time limit away from what may still come.
create or replace function private.effect_note_attempt(p_step private.flow_step)
returns private.flow_step
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
  v_state private.flow_states;
begin
  v_conversation.flow_data := v_conversation.flow_data
    || jsonb_build_object('last_attempt_at', p_step.at);
  select s.* into v_state
  from private.flow_states as s
  where s.flow_id = v_conversation.flow_id and s.state = v_conversation.flow_state;
  v_conversation.deadline_at := private.state_deadline(v_conversation, v_state);
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_note_attempt(private.flow_step)
from public, anon, authenticated, service_role;
