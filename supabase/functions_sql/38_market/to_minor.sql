-- An amount that a client gave in rupees, in paise; null stays null.
--
-- Args: the amount; the name of the argument, for the refusal.
-- Errors: INPUT_INVALID (422) `{field, rule: "number" | "decimals"}`, PRICE_OUT_OF_RANGE (422)
-- `{min, max}` in rupees.
create or replace function private.to_minor(p_amount numeric, p_field text)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  c_min constant integer := 1;
  c_max constant integer := 10000000;
begin
  if p_amount in ('nan', 'infinity', '-infinity') then
    perform private.raise_input_invalid(p_field, 'number', 'An amount is a number of rupees.');
  end if;
  if p_amount <> trunc(p_amount, 2) then
    perform private.raise_input_invalid(
      p_field, 'decimals', 'An amount has at most two decimals: rupees and paise.'
    );
  end if;
  if p_amount not between c_min and c_max then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE', format('An amount is between %s and %s rupees.', c_min, c_max),
      jsonb_build_object('min', c_min, 'max', c_max), p_status => 422
    );
  end if;
  return (p_amount * 100)::bigint;
end;
$$;

revoke all on function private.to_minor(numeric, text)
from public, anon, authenticated, service_role;
