-- The work begins, and with it the days until its delivery.
create or replace function private.effect_start_work(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.delivery_due_at
    := p_step.at + private.flow_rule(v_conversation, 'delivery_days') * interval '1 day';
  return v_conversation;
end;
$$;

revoke all on function private.effect_start_work(private.flow_step)
from public, anon, authenticated, service_role;
