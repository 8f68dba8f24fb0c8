-- A payment that no deal waited for is back with its payer, and leaves the books.
--
-- Args: the request, its conversation locked; the proof: Razorpay's refund, or an operator's words.
-- Writes: refunds, escrow_ledger.
create or replace function private.settle_bounce(p_request private.refunds, p_reference text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.refunds as r
  set status = 'processed', reference = p_reference, processed_at = clock_timestamp()
  where r.id = p_request.id;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  select
    c.id, 'bounced', 'returned', p_request.amount_minor, p_request.currency, c.version,
    p_request.payment_id, clock_timestamp()
  from public.conversations as c
  where c.id = p_request.conversation_id;
end;
$$;

revoke all on function private.settle_bounce(private.refunds, text)
from public, anon, authenticated, service_role;
