-- Fixes the counter offer as the agreed price.
create or replace function private.effect_agree_on_counter(p_step private.flow_step)
returns private.flow_step
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.amount_minor := (v_conversation.flow_data -> 'counter_minor')::bigint;
  v_conversation.flow_data := v_conversation.flow_data
    || private.money_json('agreed_amount', 'agreed_minor', v_conversation.amount_minor);
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_agree_on_counter(private.flow_step)
from public, anon, authenticated, service_role;
