-- Reads Razorpay's entities (payment, order, refund, dispute) from untrusted JSON. Amounts are
-- whole JSON numbers in paise.
--
-- Errors: 22023 for an entity that is not as documented; the error names the field, not its value.

-- A payment entity.
--
-- A payment counts as captured by its status: captured, or refunded. The field `captured` is not
-- trusted: published samples of failed and of authorized payments have true.
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/payments/entity
create or replace function private.read_payment(p_entity jsonb)
returns private.payments
language plpgsql
stable
set search_path = ''
as $$
declare
  v_status constant text := p_entity ->> 'status';
  v_id text;
  v_paise bigint[];
begin
  if (
    v_status in ('created', 'failed', 'authorized', 'captured', 'refunded')
    and p_entity ->> 'currency' ~ '^[A-Z]{3}$'
  ) is not true then
    raise exception 'the status or the currency of a payment is not as documented'
      using errcode = 'invalid_parameter_value';
  end if;
  v_id := private.read_id(p_entity, 'id', 'pay_');
  v_paise := private.read_amounts(p_entity, 'amount', 'amount_refunded', 'fee');
  return row(
    v_id,
    null,
    v_paise[1],
    p_entity ->> 'currency',
    v_status,
    left(p_entity ->> 'method', 40),
    case
      when v_status = 'captured'
        or v_status = 'refunded' and p_entity -> 'captured' = 'true' then clock_timestamp()
    end,
    coalesce(v_paise[2], 0),
    v_paise[3],
    left(p_entity ->> 'error_code', 100),
    left(coalesce(p_entity ->> 'error_description', p_entity ->> 'error_reason'), 200),
    null,
    null
  )::private.payments;
end;
$$;

-- An order entity: its id, amount, currency and receipt.
--
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/orders/entity
create or replace function private.read_order(p_entity jsonb)
returns private.payment_orders
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  v_order.razorpay_order_id := private.read_id(p_entity, 'id', 'order_');
  v_order.amount_minor := (private.read_amounts(p_entity, 'amount'))[1];
  v_order.currency := private.read_currency(p_entity);
  v_order.receipt := p_entity ->> 'receipt';
  return v_order;
end;
$$;

-- A refund entity. request_id is the request that its receipt names, if there is one.
--
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/refunds/entity
create or replace function private.read_refund(p_entity jsonb)
returns private.payment_refunds
language plpgsql
stable
set search_path = ''
as $$
declare
  v_refund private.payment_refunds;
begin
  v_refund.refund_id := private.read_id(p_entity, 'id', 'rfnd_');
  v_refund.payment_id := private.read_id(p_entity, 'payment_id', 'pay_');
  v_refund.amount_minor := (private.read_amounts(p_entity, 'amount'))[1];
  v_refund.currency := private.read_currency(p_entity);
  v_refund.status := case
    when p_entity ->> 'status' in ('processed', 'failed') then p_entity ->> 'status'
    else 'created'
  end;
  v_refund.request_id := (
    select r.id from private.refunds as r
    where r.payment_id = v_refund.payment_id and r.id::text = p_entity ->> 'receipt'
  );
  return v_refund;
end;
$$;

-- A dispute entity.
--
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/disputes/entity
create or replace function private.read_dispute(p_entity jsonb)
returns private.payment_disputes
language plpgsql
stable
set search_path = ''
as $$
declare
  v_dispute private.payment_disputes;
begin
  v_dispute.dispute_id := private.read_id(p_entity, 'id', 'disp_');
  v_dispute.payment_id := private.read_id(p_entity, 'payment_id', 'pay_');
  v_dispute.amount_minor := (private.read_amounts(p_entity, 'amount'))[1];
  v_dispute.currency := private.read_currency(p_entity);
  v_dispute.status := p_entity ->> 'status';
  if private.dispute_rank(v_dispute.status) is null then
    raise exception 'the status of a dispute is not as documented'
      using errcode = 'invalid_parameter_value';
  end if;
  v_dispute.phase := left(p_entity ->> 'phase', 40);
  v_dispute.reason_code := left(p_entity ->> 'reason_code', 100);
  v_dispute.respond_by := to_timestamp((private.read_amounts(p_entity, 'respond_by'))[1]);
  return v_dispute;
end;
$$;

-- An id of Razorpay: these letters, then 1 to 40 of its alphabet.
--
-- Errors: 22023.
create or replace function private.read_id(p_entity jsonb, p_field text, p_begins text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_id constant text := p_entity ->> p_field;
begin
  -- A count such as {1,40} in the pattern makes it twenty times slower.
  if v_id ~ ('^' || p_begins || '[0-9A-Za-z]+$') and length(v_id) <= length(p_begins) + 40 then
    return v_id;
  end if;
  raise exception '% is missing or no id', p_field using errcode = 'invalid_parameter_value';
end;
$$;

-- Numbers of an entity: amounts in paise, up to a quadrillion, or a time in seconds. A field that
-- is missing gives null; only `amount` must be there, and is at least 1.
--
-- Errors: 22023 for texts, fractions, negative and huge numbers, and where amount is missing or 0.
create or replace function private.read_amounts(p_entity jsonb, variadic p_fields text[])
returns bigint[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_field text;
  v_value text;
  v_paise bigint[];
begin
  foreach v_field in array p_fields loop
    v_value := coalesce((p_entity -> v_field)::text, 'null');
    if not (
      case
        when v_value ~ '^[0-9]+$' then
          v_value::numeric <= 1000000000000000 and (v_value <> '0' or v_field <> 'amount')
        else v_value = 'null' and v_field <> 'amount'
      end
    ) then
      raise exception '% is no amount in paise', v_field using errcode = 'invalid_parameter_value';
    end if;
    v_paise := v_paise || nullif(v_value, 'null')::bigint;
  end loop;
  return v_paise;
end;
$$;

-- A currency: three capital letters.
--
-- Errors: 22023.
create or replace function private.read_currency(p_entity jsonb)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  if (p_entity ->> 'currency' ~ '^[A-Z]{3}$') is not true then
    raise exception 'the currency is missing or none' using errcode = 'invalid_parameter_value';
  end if;
  return p_entity ->> 'currency';
end;
$$;
