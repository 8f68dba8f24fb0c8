-- Holds when it is the actor's turn.
create or replace function private.guard_is_awaited(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).awaiting_role = p_step.role, false);
end;
$$;

revoke all on function private.guard_is_awaited(private.flow_step)
from public, anon, authenticated, service_role;
