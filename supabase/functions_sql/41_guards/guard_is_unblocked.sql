-- Holds when neither side blocks the other.
create or replace function private.guard_is_unblocked(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return not private.is_blocked((p_step.before).user_a, (p_step.before).user_b);
end;
$$;

revoke all on function private.guard_is_unblocked(private.flow_step)
from public, anon, authenticated, service_role;
