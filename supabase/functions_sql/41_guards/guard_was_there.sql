-- Chooses the row that leads back to where the conversation was before the pause.
create or replace function private.guard_was_there(
  p_step private.flow_step,
  p_row private.flow_transitions
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).flow_data #>> '{resume,state}' = p_row.to_state, false);
end;
$$;

revoke all on function private.guard_was_there(private.flow_step, private.flow_transitions)
from public, anon, authenticated, service_role;
