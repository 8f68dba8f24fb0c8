-- The payment is in: held for the deal until its end.
--
-- Writes: escrow_ledger, payment_orders.
create or replace function private.effect_hold_funds(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.captured_minor
    := v_conversation.captured_minor + (p_step.input -> 'amount_minor')::bigint;
  v_conversation.held_minor
    := v_conversation.held_minor + (p_step.input -> 'amount_minor')::bigint;
  v_conversation.flow_data := v_conversation.flow_data - 'payment_order' || jsonb_build_object(
    'paid_at', p_step.at, 'clock_from', p_step.at, 'payment_id', p_step.input ->> 'payment_id'
  );
  perform private.record_transfer(
    p_step, 'gateway', 'held', (p_step.input -> 'amount_minor')::bigint,
    p_step.input ->> 'payment_id'
  );
  if not p_step.is_trial then
    update private.payment_orders as o
    set status = 'paid', updated_at = p_step.at
    where o.conversation_id = v_conversation.id and o.status = 'open';
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_hold_funds(private.flow_step)
from public, anon, authenticated, service_role;
