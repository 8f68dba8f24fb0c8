-- A number that a caller gave for a field of an action, as `{x}`; 3.0 comes back as 3.
--
-- Args: the field with its limits; the value.
-- Errors: INPUT_INVALID (422) `{field, rule}`: type (not a number), integer (a fraction), min, max,
-- number (a size that JSON clients do not carry exactly).
create or replace function private.check_number_input(
  p_field private.flow_inputs,
  p_value jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- The largest integer that is exact in JSON everywhere: RFC 8259, section 6.
  c_max_exact constant numeric := 9007199254740991;
  c_max_decimals constant integer := 15;
  v_number numeric;
begin
  if jsonb_typeof(p_value) <> 'number' then
    perform private.raise_input_invalid(p_field.field, 'type', 'Pass a number.');
  end if;
  v_number := trim_scale(p_value::numeric);
  if p_field.type = 'integer' and scale(v_number) > 0 then
    perform private.raise_input_invalid(p_field.field, 'integer', 'Pass a whole number.');
  end if;
  if v_number < p_field.min then
    perform private.raise_input_invalid(
      p_field.field, 'min', format('The least is %s.', p_field.min)
    );
  end if;
  if v_number > p_field.max then
    perform private.raise_input_invalid(
      p_field.field, 'max', format('The most is %s.', p_field.max)
    );
  end if;
  if abs(v_number) > c_max_exact or scale(v_number) > c_max_decimals then
    perform private.raise_input_invalid(
      p_field.field, 'number', 'The number is too large, or has too many decimals.'
    );
  end if;
  return jsonb_build_object(p_field.field, v_number);
end;
$$;

revoke all on function private.check_number_input(private.flow_inputs, jsonb)
from public, anon, authenticated, service_role;
