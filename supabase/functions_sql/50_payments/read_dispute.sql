-- A dispute entity of Razorpay's; nulls where there is none.
--
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/disputes/entity
create or replace function private.read_dispute(p_entity jsonb)
returns private.payment_disputes
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_dispute private.payment_disputes;
begin
  if coalesce(p_entity, 'null') = 'null' then
    return v_dispute;
  end if;
  v_dispute.dispute_id := private.require_provider_id(p_entity -> 'id', 'disp_');
  v_dispute.payment_id := private.require_provider_id(p_entity -> 'payment_id', 'pay_');
  v_dispute.amount_minor := private.require_paise(p_entity -> 'amount');
  v_dispute.currency := private.read_currency(p_entity -> 'currency');
  v_dispute.status := p_entity ->> 'status';
  if private.dispute_rank(v_dispute.status) is null then
    raise exception 'not a status of a dispute: %', left(coalesce(v_dispute.status, 'none'), 40)
      using errcode = 'invalid_parameter_value';
  end if;
  v_dispute.phase := left(p_entity ->> 'phase', 40);
  v_dispute.reason_code := left(p_entity ->> 'reason_code', 100);
  v_dispute.respond_by := to_timestamp(private.read_paise(p_entity -> 'respond_by'));
  return v_dispute;
end;
$$;

revoke all on function private.read_dispute(jsonb) from public, anon, authenticated, service_role;
