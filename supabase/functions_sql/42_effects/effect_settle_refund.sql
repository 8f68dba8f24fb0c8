-- The refund has reached the brand owner; what is left is the influencer's, less the fee.
--
-- Writes: escrow_ledger, refunds, payouts.
create or replace function private.effect_settle_refund(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
  v_refund constant bigint := (v_conversation.flow_data -> 'refund_minor')::bigint;
begin
  v_conversation.refunded_minor := v_conversation.refunded_minor + v_refund;
  v_conversation.held_minor := v_conversation.held_minor - v_refund;
  v_conversation.flow_data := v_conversation.flow_data - 'refund_minor';
  perform private.record_transfer(p_step, 'held', 'refunded', v_refund, null);
  if not p_step.is_trial then
    update private.refunds as r
    set
      status = 'processed',
      reference = p_step.input ->> 'reference',
      processed_at = p_step.at
    where r.conversation_id = v_conversation.id and r.kind = 'deal' and r.status = 'requested';
  end if;
  p_step.conversation := v_conversation;
  return private.release_held(p_step);
end;
$$;

revoke all on function private.effect_settle_refund(private.flow_step)
from public, anon, authenticated, service_role;
