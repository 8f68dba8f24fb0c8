-- Asks an operator to look at the conversation.
--
-- Writes: alerts.
create or replace function private.effect_raise_alert(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  if not p_step.is_trial then
    perform private.open_alert(
      p_step.action, 'warning',
      concat_ws(':', p_step.action, v_conversation.id, p_step.input ->> 'payment_id'),
      v_conversation.id,
      jsonb_build_object('state', v_conversation.flow_state, 'reason', p_step.reason)
    );
  end if;
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_raise_alert(private.flow_step)
from public, anon, authenticated, service_role;
