-- Ends the call because an argument breaks a rule of its own.
--
-- Args: the argument's name; the rule's name, stable for clients; a sentence for people.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.raise_input_invalid(p_field text, p_rule text, p_message text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error(
    'INPUT_INVALID', p_message,
    jsonb_build_object('field', p_field, 'rule', p_rule), p_status => 422
  );
end;
$$;
