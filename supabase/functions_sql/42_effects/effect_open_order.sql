-- Asks for the agreed amount: one open order, the same one whenever it is asked for again.
--
-- Writes: what private.claim_payment_order writes.
create or replace function private.effect_open_order(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  if not p_step.is_trial then
    v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
      'payment_order', private.payment_order_json(
        private.claim_payment_order(v_conversation, p_step.at)
      )
    );
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_open_order(private.flow_step)
from public, anon, authenticated, service_role;
