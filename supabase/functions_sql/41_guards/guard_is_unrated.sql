-- Holds when the actor has not rated this collaboration yet.
create or replace function private.guard_is_unrated(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return not exists (
    select from private.ratings as r
    where r.conversation_id = (p_step.before).id and r.rater_id = p_step.actor_id
  );
end;
$$;

revoke all on function private.guard_is_unrated(private.flow_step)
from public, anon, authenticated, service_role;
