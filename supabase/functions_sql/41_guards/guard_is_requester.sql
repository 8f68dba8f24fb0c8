-- Holds when the actor is the one who asked for the cancellation.
create or replace function private.guard_is_requester(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).flow_data #>> '{cancellation,by}' = p_step.role, false);
end;
$$;

revoke all on function private.guard_is_requester(private.flow_step)
from public, anon, authenticated, service_role;
