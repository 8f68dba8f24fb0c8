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
security invoker
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

revoke all on function private.check_text_input(private.flow_inputs, jsonb)
from public, anon, authenticated, service_role;
