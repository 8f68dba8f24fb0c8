-- Enters into the books that an amount moved from one account to another; nothing moves nothing.
--
-- Args: the step; the two accounts; paise; the gateway's payment, for what comes from there.
-- Writes: escrow_ledger.
create or replace function private.record_transfer(
  p_step private.flow_step,
  p_from text,
  p_to text,
  p_amount_minor bigint,
  p_payment_id text
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_step.is_trial or p_amount_minor = 0 then
    return;
  end if;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  values (
    (p_step.conversation).id, p_from, p_to, p_amount_minor,
    coalesce(p_step.input ->> 'currency', (p_step.conversation).currency),
    (p_step.conversation).version, p_payment_id, p_step.at
  );
end;
$$;

revoke all on function private.record_transfer(private.flow_step, text, text, bigint, text)
from public, anon, authenticated, service_role;
