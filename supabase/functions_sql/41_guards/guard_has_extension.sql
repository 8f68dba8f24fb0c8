-- Holds when more time was asked for and not yet answered.
create or replace function private.guard_has_extension(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (p_step.before).flow_data ? 'extension';
end;
$$;

revoke all on function private.guard_has_extension(private.flow_step)
from public, anon, authenticated, service_role;
