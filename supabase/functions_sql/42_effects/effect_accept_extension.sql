-- The delivery is due later by the days asked for; the time limit of the work does not come before.
create or replace function private.effect_accept_extension(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.delivery_due_at := v_conversation.delivery_due_at
    + (v_conversation.flow_data #>> '{extension,days}')::integer * interval '1 day';
  v_conversation.flow_data := v_conversation.flow_data - 'extension';
  v_conversation.deadline_at := private.renewed_deadline(v_conversation);
  return v_conversation;
end;
$$;

revoke all on function private.effect_accept_extension(private.flow_step)
from public, anon, authenticated, service_role;
