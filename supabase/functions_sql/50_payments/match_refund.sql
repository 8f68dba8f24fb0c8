-- Razorpay's refund, read, when it is what we asked for; nulls when it is not.
create or replace function private.match_refund(p_request private.refunds, p_entity jsonb)
returns private.payment_refunds
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_told private.payment_refunds;
begin
  v_told := private.read_refund(p_entity);
  if (v_told.payment_id, v_told.amount_minor, v_told.currency)
    is distinct from (p_request.payment_id, p_request.amount_minor, p_request.currency) then
    return null;
  end if;
  v_told.request_id := p_request.id;
  return v_told;
exception
  when data_exception then
    return null;
end;
$$;

revoke all on function private.match_refund(private.refunds, jsonb)
from public, anon, authenticated, service_role;
