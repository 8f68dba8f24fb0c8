-- An amount in paise as rupees, without needless zeros.
create or replace function private.rupees(p_minor bigint)
returns numeric
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return trim_scale(p_minor / 100.0);
end;
$$;

revoke all on function private.rupees(bigint) from public, anon, authenticated, service_role;
