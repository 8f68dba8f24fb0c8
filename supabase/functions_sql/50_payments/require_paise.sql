-- As private.read_paise, where there must be an amount, and more than none.
--
-- Errors: 22023.
create or replace function private.require_paise(p_value jsonb)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_amount constant bigint := private.read_paise(p_value);
begin
  if v_amount > 0 then
    return v_amount;
  end if;
  raise exception 'an amount is missing' using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.require_paise(jsonb) from public, anon, authenticated, service_role;
