-- Refuses a value that is not one of a few.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "one_of"}`.
create or replace function private.check_choice(p_field text, p_value text, p_choices text[])
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_value is null or p_value <> all (p_choices) then
    perform private.raise_input_invalid(
      p_field, 'one_of', 'One of ' || array_to_string(p_choices, ', ') || '.'
    );
  end if;
end;
$$;
