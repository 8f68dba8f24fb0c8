-- What the body of an event says, checked; only its type and account where we have no use for it.
--
-- Errors: 22xxx and 54xxx for bytes that are no event: no UTF-8, no JSON, nested without end, an
-- entity that is missing or not as documented.
-- Source: https://razorpay.com/docs/webhooks/payloads
create or replace function private.read_report(p_body bytea)
returns private.payment_report
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_event constant jsonb := convert_from(p_body, 'UTF8')::jsonb;
  v_payload constant jsonb := v_event -> 'payload';
  v_report private.payment_report;
begin
  if jsonb_typeof(v_event -> 'event') is distinct from 'string' then
    raise exception 'not an event' using errcode = 'invalid_parameter_value';
  end if;
  v_report.event_type := left(v_event ->> 'event', 100);
  v_report.account_id := left(v_event ->> 'account_id', 100);
  if not private.is_used_event(v_report.event_type) then
    return v_report;
  end if;
  v_report.payment := private.read_payment(v_payload #> '{payment,entity}');
  v_report.provider_order := private.read_order(v_payload #> '{order,entity}');
  v_report.refund := private.read_refund(v_payload #> '{refund,entity}');
  v_report.dispute := private.read_dispute(v_payload #> '{dispute,entity}');
  v_report.razorpay_order_id := coalesce(
    private.read_provider_id(v_payload #> '{payment,entity,order_id}', 'order_'),
    (v_report.provider_order).razorpay_order_id
  );
  if (v_report.payment).payment_id is null
    or v_report.event_type like 'order.%' and (v_report.provider_order).amount_minor is null
    or v_report.event_type like 'refund.%' and (v_report.refund).refund_id is null
    or v_report.event_type like 'payment.dispute.%' and (v_report.dispute).dispute_id is null
  then
    raise exception 'an entity of % is missing', v_report.event_type
      using errcode = 'invalid_parameter_value';
  end if;
  return v_report;
end;
$$;

revoke all on function private.read_report(bytea) from public, anon, authenticated, service_role;
