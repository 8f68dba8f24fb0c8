-- The first guard of a row that does not hold for a step; null when all do.
create or replace function private.find_failed_guard(
  p_step private.flow_step,
  p_row private.flow_transitions
)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_guard text;
begin
  foreach v_guard in array p_row.guards loop
    if not private.guard_holds(v_guard, p_step, p_row.to_state) then
      return v_guard;
    end if;
  end loop;
  return null;
end;
$$;

revoke all on function private.find_failed_guard(private.flow_step, private.flow_transitions)
from public, anon, authenticated, service_role;
