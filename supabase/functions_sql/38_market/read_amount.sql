-- An amount from a client, in paise: a JSON number of rupees, or a text in the notations of
-- private.read_price; null stays null.
--
-- Args: the amount; the name of the argument, for the refusal.
-- Errors: INPUT_INVALID (422) `{field, rule: "type" | "number" | "decimals"}`, PRICE_UNPARSEABLE
-- (422) `{understood}`, PRICE_OUT_OF_RANGE (422) `{min, max, understood}` in rupees.
create or replace function private.read_amount(p_amount jsonb, p_field text)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- More digits than any amount has; longer numbers cost time.
  c_max_bytes constant integer := 20000;
  v_type constant text := jsonb_typeof(p_amount);
begin
  if v_type not in ('number', 'string') or pg_column_size(p_amount) > c_max_bytes then
    perform private.raise_input_invalid(p_field, 'type', 'Pass an amount as a number or a text.');
  end if;
  return case v_type
    when 'number' then private.to_minor(p_amount::numeric, p_field)
    when 'string' then private.to_minor(private.read_price(p_amount #>> '{}'), p_field)
  end;
end;
$$;

-- Rupees in paise; null stays null.
create or replace function private.to_minor(p_amount numeric, p_field text)
returns bigint
language plpgsql
immutable
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
      jsonb_build_object(
        'min', c_min, 'max', c_max,
        -- A number of few bytes can be a very long text.
        'understood', case when abs(p_amount) < 1e1000 then trim_scale(p_amount) end
      ),
      p_status => 422
    );
  end if;
  return (p_amount * 100)::bigint;
end;
$$;
