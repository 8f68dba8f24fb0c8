-- The influencer names another price.
--
-- Writes: offers.
create or replace function private.effect_make_counter(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data
    || private.money_json('counter', 'counter_minor', (p_step.input -> 'price_minor')::bigint);
  v_step.conversation := v_conversation;
  perform private.record_offer(v_step, 'counter_minor');
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_make_counter(private.flow_step)
from public, anon, authenticated, service_role;
