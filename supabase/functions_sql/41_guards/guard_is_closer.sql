-- Holds when the actor is the one who closed the conversation.
create or replace function private.guard_is_closer(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).closed_by = p_step.actor_id, false);
end;
$$;

revoke all on function private.guard_is_closer(private.flow_step)
from public, anon, authenticated, service_role;
