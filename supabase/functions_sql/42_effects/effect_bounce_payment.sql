-- A payment that the deal does not wait for is to go back whole; it never counts as held.
--
-- Writes: escrow_ledger, refunds.
create or replace function private.effect_bounce_payment(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
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
      (p_step.conversation).id, p_step.input ->> 'payment_id',
      (p_step.input -> 'amount_minor')::bigint, p_step.input ->> 'currency', 'bounce',
      p_step.reason, p_step.at
    );
  end if;
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_bounce_payment(private.flow_step)
from public, anon, authenticated, service_role;
