-- Bytes that travel as base64.
--
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.read_base64(p_text text)
returns bytea
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return decode(coalesce(p_text, '-'), 'base64');
exception
  when data_exception then
    perform private.raise_input_invalid('body_base64', 'base64', 'The body is not base64.');
    return null;
end;
$$;

revoke all on function private.read_base64(text) from public, anon, authenticated, service_role;
