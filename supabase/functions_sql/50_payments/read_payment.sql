-- A payment entity of Razorpay's; nulls where there is none.
--
-- Money has come in when it is captured, or was before it was given back. What `captured` says
-- alone is not believed: published samples of failed and of authorized payments say true.
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/payments/entity
create or replace function private.read_payment(p_entity jsonb)
returns private.payments
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_payment private.payments;
begin
  if coalesce(p_entity, 'null') = 'null' then
    return v_payment;
  end if;
  v_payment.payment_id := private.require_provider_id(p_entity -> 'id', 'pay_');
  v_payment.amount_minor := private.require_paise(p_entity -> 'amount');
  v_payment.currency := private.read_currency(p_entity -> 'currency');
  v_payment.status := p_entity ->> 'status';
  if private.payment_rank(v_payment.status) is null then
    raise exception 'not a status of a payment: %', left(coalesce(v_payment.status, 'none'), 40)
      using errcode = 'invalid_parameter_value';
  end if;
  v_payment.captured_at := case
    when v_payment.status = 'captured'
      or v_payment.status = 'refunded' and p_entity -> 'captured' = 'true' then clock_timestamp()
  end;
  v_payment.refunded_minor := coalesce(private.read_paise(p_entity -> 'amount_refunded'), 0);
  v_payment.fee_minor := private.read_paise(p_entity -> 'fee');
  v_payment.method := left(p_entity ->> 'method', 40);
  v_payment.error_code := left(p_entity ->> 'error_code', 100);
  v_payment.error_reason := left(
    coalesce(p_entity ->> 'error_description', p_entity ->> 'error_reason'), 200
  );
  return v_payment;
end;
$$;

revoke all on function private.read_payment(jsonb) from public, anon, authenticated, service_role;
