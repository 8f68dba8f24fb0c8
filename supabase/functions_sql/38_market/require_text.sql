-- A text that must not be blank, as it is stored.
--
-- Args: the text; the name of the argument, for the refusal; how many characters it may have.
-- Errors: INPUT_INVALID (422) `{field, rule}`: length, or a rule of private.read_text.
create or replace function private.require_text(p_text text, p_field text, p_max integer)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_text constant text := private.read_text(p_text, p_field, p_max);
begin
  if v_text is null or private.is_blank(v_text) then
    perform private.raise_input_invalid(
      p_field, 'length', format('Write 1 to %s characters.', p_max)
    );
  end if;
  return v_text;
end;
$$;
