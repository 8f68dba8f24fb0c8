-- The paise of a price that a person typed.
--
-- Errors: PRICE_UNPARSEABLE (422) `{understood}`, PRICE_OUT_OF_RANGE (422) `{min, max}` in rupees.
create or replace function private.parse_price(p_text text)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return private.to_minor(private.read_price(p_text), 'price');
end;
$$;

revoke all on function private.parse_price(text) from public, anon, authenticated, service_role;
