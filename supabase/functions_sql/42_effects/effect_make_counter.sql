-- The influencer names another price.
--
-- Writes: offers.
create or replace function private.effect_make_counter(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data
    || private.money_json('counter', 'counter_minor', (p_step.input -> 'price_minor')::bigint);
  perform private.record_offer(p_step, v_conversation, 'counter_minor');
  return v_conversation;
end;
$$;

revoke all on function private.effect_make_counter(private.flow_step)
from public, anon, authenticated, service_role;
