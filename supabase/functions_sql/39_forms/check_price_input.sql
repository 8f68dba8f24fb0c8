-- A price that a caller gave for a field of an action: `{x}` in rupees, `{x_minor}` in paise; `{}`
-- for a blank text where none is required.
--
-- Args: the field with its limits; the value, a number or a text in the notations of read_price.
-- Errors: INPUT_INVALID (422) `{field, rule: "type" or "decimals"}`, PRICE_UNPARSEABLE (422)
-- `{understood}`, PRICE_OUT_OF_RANGE (422) `{min, max}` in rupees.
create or replace function private.check_price_input(
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
  v_rupees numeric;
  v_minor bigint;
begin
  if jsonb_typeof(p_value) = 'string' then
    if not p_field.required and private.is_blank(p_value #>> '{}') then
      return '{}'::jsonb;
    end if;
    v_rupees := private.read_price(p_value #>> '{}');
  elsif jsonb_typeof(p_value) = 'number' then
    v_rupees := p_value::numeric;
  else
    perform private.raise_input_invalid(
      p_field.field, 'type', 'Pass a price as a number or a text.'
    );
  end if;
  v_minor := private.to_minor(v_rupees, p_field.field);
  if v_rupees not between p_field.min and p_field.max then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE',
      format('Name an amount from %s to %s rupees.', p_field.min, p_field.max),
      jsonb_build_object('min', p_field.min, 'max', p_field.max), p_status => 422
    );
  end if;
  return jsonb_build_object(
    p_field.field, private.rupees(v_minor), p_field.field || '_minor', v_minor
  );
end;
$$;

revoke all on function private.check_price_input(private.flow_inputs, jsonb)
from public, anon, authenticated, service_role;
