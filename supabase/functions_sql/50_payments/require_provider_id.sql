-- As private.read_provider_id, where there must be one.
--
-- Errors: 22023.
create or replace function private.require_provider_id(p_value jsonb, p_prefix text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_id constant text := private.read_provider_id(p_value, p_prefix);
begin
  if v_id is null then
    raise exception 'an id that begins with % is missing', p_prefix
      using errcode = 'invalid_parameter_value';
  end if;
  return v_id;
end;
$$;

revoke all on function private.require_provider_id(jsonb, text)
from public, anon, authenticated, service_role;
