-- The brand owner names a price: the standing offer of a new round. A counter offer falls.
--
-- Writes: offers.
create or replace function private.effect_make_offer(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data - array['counter', 'counter_minor']
    || private.money_json('offer', 'offer_minor', (p_step.input -> 'price_minor')::bigint)
    || jsonb_build_object(
      'negotiation_round', private.flow_count(v_conversation, 'negotiation_round') + 1
    );
  perform private.record_offer(p_step, v_conversation, 'offer_minor');
  return v_conversation;
end;
$$;

revoke all on function private.effect_make_offer(private.flow_step)
from public, anon, authenticated, service_role;
