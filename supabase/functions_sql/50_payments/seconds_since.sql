-- Whole seconds since then; 0 where there is no then.
create or replace function private.seconds_since(p_then timestamptz)
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce(floor(extract(epoch from now() - p_then)), 0);
end;
$$;

revoke all on function private.seconds_since(timestamptz)
from public, anon, authenticated, service_role;
