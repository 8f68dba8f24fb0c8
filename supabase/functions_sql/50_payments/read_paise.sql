-- An amount of Razorpay's in paise; only whole JSON numbers are amounts. Null where JSON has null
-- or nothing.
--
-- Errors: 22023 for anything else: texts, fractions, what is negative or past all money.
create or replace function private.read_paise(p_value jsonb)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if coalesce(p_value, 'null') = 'null' then
    return null;
  end if;
  if jsonb_typeof(p_value) = 'number'
    and p_value @? '$ ? (@ >= 0 && @ <= 1000000000000000 && @.floor() == @)' then
    return p_value::numeric::bigint;
  end if;
  raise exception 'not an amount in paise: %', left(p_value::text, 40)
    using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.read_paise(jsonb) from public, anon, authenticated, service_role;
