-- A refund entity of Razorpay's; nulls where there is none. request_id is what the refund says it
-- was made for, whether or not there is such a request.
--
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/refunds/entity
create or replace function private.read_refund(p_entity jsonb)
returns private.payment_refunds
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_refund private.payment_refunds;
begin
  if coalesce(p_entity, 'null') = 'null' then
    return v_refund;
  end if;
  v_refund.refund_id := private.require_provider_id(p_entity -> 'id', 'rfnd_');
  v_refund.payment_id := private.require_provider_id(p_entity -> 'payment_id', 'pay_');
  v_refund.amount_minor := private.require_paise(p_entity -> 'amount');
  v_refund.currency := private.read_currency(p_entity -> 'currency');
  v_refund.status := case p_entity ->> 'status'
    when 'processed' then 'processed'
    when 'failed' then 'failed'
    else 'created'
  end;
  v_refund.request_id := (
    select r.id from private.refunds as r
    where r.id::text = p_entity ->> 'receipt' and r.payment_id = v_refund.payment_id
  );
  return v_refund;
end;
$$;

revoke all on function private.read_refund(jsonb) from public, anon, authenticated, service_role;
