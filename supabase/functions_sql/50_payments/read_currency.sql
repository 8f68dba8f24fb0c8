-- A currency's code, three capital letters.
--
-- Errors: 22023 for anything else.
create or replace function private.read_currency(p_value jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if jsonb_typeof(p_value) = 'string' and p_value #>> '{}' ~ '^[A-Z]{3}$' then
    return p_value #>> '{}';
  end if;
  raise exception 'not a currency: %', left(coalesce(p_value::text, 'nothing'), 40)
    using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.read_currency(jsonb) from public, anon, authenticated, service_role;
