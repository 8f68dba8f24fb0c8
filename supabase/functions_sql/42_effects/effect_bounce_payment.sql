-- A payment that the deal does not wait for is to go back whole; it never counts as held.
--
-- Writes: escrow_ledger, refunds.
create or replace function private.effect_bounce_payment(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  perform private.record_transfer(
    p_step, 'gateway', 'bounced', (p_step.input -> 'amount_minor')::bigint,
    p_step.input ->> 'payment_id'
  );
  if not p_step.is_trial then
    insert into private.refunds (
      conversation_id, payment_id, amount_minor, currency, kind, reason, requested_at
    )
    values (
      v_conversation.id, p_step.input ->> 'payment_id',
      (p_step.input -> 'amount_minor')::bigint, p_step.input ->> 'currency', 'bounce',
      p_step.reason, p_step.at
    );
  end if;
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_bounce_payment(private.flow_step)
from public, anon, authenticated, service_role;
