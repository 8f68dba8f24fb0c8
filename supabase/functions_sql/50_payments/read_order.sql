-- An order entity of Razorpay's; nulls where there is none.
--
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/orders/entity
create or replace function private.read_order(p_entity jsonb)
returns private.provider_order
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_order private.provider_order;
begin
  if coalesce(p_entity, 'null') <> 'null' then
    v_order.razorpay_order_id := private.require_provider_id(p_entity -> 'id', 'order_');
    v_order.amount_minor := private.require_paise(p_entity -> 'amount');
    v_order.currency := private.read_currency(p_entity -> 'currency');
    v_order.receipt := p_entity ->> 'receipt';
  end if;
  return v_order;
end;
$$;

revoke all on function private.read_order(jsonb) from public, anon, authenticated, service_role;
