-- Asks an operator to look at the conversation.
--
-- Writes: alerts.
create or replace function private.effect_raise_alert(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    perform private.open_alert(
      p_step.action, 'warning',
      concat_ws(':', p_step.action, (p_step.conversation).id),
      (p_step.conversation).id,
      jsonb_build_object('state', (p_step.conversation).flow_state, 'reason', p_step.reason)
    );
  end if;
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_raise_alert(private.flow_step)
from public, anon, authenticated, service_role;
