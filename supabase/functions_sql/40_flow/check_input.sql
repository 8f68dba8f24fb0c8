-- The checked input of an action: the fields that the action has.
--
-- Other fields are ignored, and so are optional ones without a value. A price `x` becomes `x` in
-- rupees and `x_minor` in paise. Null is an empty input.
--
-- Args: the flow; the action; the input; the conversation that files were uploaded for.
-- Errors: INPUT_INVALID (422) `{field, rule}`, where rule is object (the input itself), required or
-- a rule of check_text_input, check_number_input, check_price_input or check_file_input; for prices
-- also PRICE_UNPARSEABLE (422) `{understood}` and PRICE_OUT_OF_RANGE (422) `{min, max}` in rupees.
create or replace function private.check_input(
  p_flow_id bigint,
  p_action text,
  p_input jsonb,
  p_conversation_id uuid default null
)
returns jsonb
language plpgsql
stable
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
      when v_field.type = 'file' then private.check_file_input(v_field, v_given, p_conversation_id)
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

-- A text that a caller gave for a field of an action, cleaned, as `{x}`; `{}` when it is blank.
--
-- Args: the field with its limits; the value. Lengths count characters of the cleaned text.
-- Errors: INPUT_INVALID (422) `{field, rule}`: type (not a text), control_characters,
-- combining_marks, max_length, email.
create or replace function private.check_text_input(
  p_field private.flow_inputs,
  p_value jsonb
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_text text;
begin
  if jsonb_typeof(p_value) <> 'string' then
    perform private.raise_input_invalid(p_field.field, 'type', 'Pass a text.');
  end if;
  v_text := private.read_text(
    p_value #>> '{}', p_field.field, p_field.max_length, p_rule => 'max_length'
  );
  if private.is_blank(v_text) then
    return '{}'::jsonb;
  end if;
  if p_field.type = 'email' and v_text !~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' then
    perform private.raise_input_invalid(p_field.field, 'email', 'Pass an e-mail address.');
  end if;
  return jsonb_build_object(p_field.field, v_text);
end;
$$;

-- A number that a caller gave for a field of an action, as `{x}`; 3.0 comes back as 3.
--
-- Args: the field with its limits; the value.
-- Errors: INPUT_INVALID (422) `{field, rule}`: type (not a number), integer (a fraction), min, max,
-- number (JSON clients cannot hold it exactly).
create or replace function private.check_number_input(
  p_field private.flow_inputs,
  p_value jsonb
)
returns jsonb
language plpgsql
stable
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
      jsonb_build_object(
        'min', p_field.min, 'max', p_field.max, 'understood', trim_scale(v_rupees)
      ),
      p_status => 422
    );
  end if;
  return jsonb_build_object(
    p_field.field, private.rupees(v_minor), p_field.field || '_minor', v_minor
  );
end;
$$;

-- Files that a caller gave for a field of an action, as `{x: [file]}`; `{}` for none.
--
-- Args: the field; the list; the conversation.
-- Errors: those of private.read_attachments.
create or replace function private.check_file_input(
  p_field private.flow_inputs,
  p_value jsonb,
  p_conversation_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_files constant jsonb := private.read_attachments(p_value, p_conversation_id, p_field.field);
begin
  return case when v_files is null then '{}' else jsonb_build_object(p_field.field, v_files) end;
end;
$$;

-- A field of an action's input with the limits that its row leaves open: those that
-- private.to_minor has for every amount, and 1,000 characters of text.
create or replace function private.complete_limits(p_input private.flow_inputs)
returns private.flow_inputs
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_input.type = 'price' then
    p_input.min := coalesce(p_input.min, 1);
    p_input.max := coalesce(p_input.max, 10000000);
  elsif p_input.type in ('text', 'textarea', 'email') then
    p_input.max_length := coalesce(p_input.max_length, 1000);
  end if;
  return p_input;
end;
$$;
