-- Holds when a counter offer is on the table.
create or replace function private.guard_has_counter(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (p_step.before).flow_data ? 'counter_minor';
end;
$$;

revoke all on function private.guard_has_counter(private.flow_step)
from public, anon, authenticated, service_role;
