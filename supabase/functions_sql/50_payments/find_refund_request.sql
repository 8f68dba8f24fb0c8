-- The request that a refund answers: the one whose receipt it carries or whose answer it is, else
-- one for the same payment and amount that has not been sent, which a person then did by hand.
--
-- Locks: the request; the conversation must be locked already.
create or replace function private.find_refund_request(p_told private.payment_refunds)
returns private.refunds
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_request private.refunds;
begin
  select r.* into v_request
  from private.refunds as r
  where r.payment_id = p_told.payment_id
    and (
      r.id = p_told.request_id
      or r.razorpay_refund_id = p_told.refund_id
      or r.id = (
        select k.request_id from private.payment_refunds as k
        where k.refund_id = p_told.refund_id
      )
      or p_told.request_id is null
        and p_told.status <> 'failed'
        and r.status = 'requested'
        and r.razorpay_refund_id is null
        and (r.amount_minor, r.currency) = (p_told.amount_minor, p_told.currency)
    )
  order by (r.id = p_told.request_id) desc nulls last, r.requested_at
  limit 1
  for update;
  return v_request;
end;
$$;

revoke all on function private.find_refund_request(private.payment_refunds)
from public, anon, authenticated, service_role;
