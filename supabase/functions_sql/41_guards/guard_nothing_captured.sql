-- Holds when no money of this deal has come in.
create or replace function private.guard_nothing_captured(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).captured_minor, 0) = 0;
end;
$$;

revoke all on function private.guard_nothing_captured(private.flow_step)
from public, anon, authenticated, service_role;
