-- Refuses control characters other than tab and line feed: they have no honest use in a text.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "control_characters"}`.
create or replace function private.check_text(p_text text, p_field text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if p_text ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]' then
    perform private.raise_input_invalid(
      p_field, 'control_characters', 'The text holds control characters: remove them.'
    );
  end if;
end;
$$;

revoke all on function private.check_text(text, text)
from public, anon, authenticated, service_role;
