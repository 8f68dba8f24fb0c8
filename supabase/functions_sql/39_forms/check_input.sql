-- The input of an action as the flow may use it: the fields that the action has, each checked.
--
-- Fields that the action does not have are ignored, and so are optional ones without a value. A
-- price `x` comes back as `x` in rupees and `x_minor` in paise. No input at all is an empty one.
--
-- Errors: INPUT_INVALID (422) `{field, rule}`, where rule is object (the input itself), required or
-- a rule of check_text_input, check_number_input or check_price_input; for prices also
-- PRICE_UNPARSEABLE (422) `{understood}` and PRICE_OUT_OF_RANGE (422) `{min, max}` in rupees.
create or replace function private.check_input(p_flow_id bigint, p_action text, p_input jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_clean jsonb := '{}'::jsonb;
  v_field private.flow_inputs;
  v_given jsonb;
  v_value jsonb;
begin
  if jsonb_typeof(p_input) <> 'object' then
    perform private.raise_input_invalid('input', 'object', 'Pass an object with named values.');
  end if;
  for v_field in
    select i.* from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.action = p_action
    order by i.position, i.field
  loop
    v_field := private.complete_limits(v_field);
    v_given := nullif(p_input -> v_field.field, 'null');
    v_value := case
      when v_given is null then '{}'
      when v_field.type = 'price' then private.check_price_input(v_field, v_given)
      when v_field.type in ('number', 'integer') then private.check_number_input(v_field, v_given)
      else private.check_text_input(v_field, v_given)
    end;
    if v_field.required and v_value = '{}' then
      perform private.raise_input_invalid(
        v_field.field, 'required', format('Fill in "%s".', v_field.field)
      );
    end if;
    v_clean := v_clean || v_value;
  end loop;
  return v_clean;
end;
$$;

revoke all on function private.check_input(bigint, text, jsonb)
from public, anon, authenticated, service_role;
