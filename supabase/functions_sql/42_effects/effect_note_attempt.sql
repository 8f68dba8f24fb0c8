-- Notes that a payment was tried, which keeps the time limit away from what may still come.
create or replace function private.effect_note_attempt(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data
    || jsonb_build_object('last_attempt_at', p_step.at);
  v_conversation.deadline_at := private.renewed_deadline(v_conversation);
  return v_conversation;
end;
$$;

revoke all on function private.effect_note_attempt(private.flow_step)
from public, anon, authenticated, service_role;
