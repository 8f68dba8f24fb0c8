-- Chooses the row for a price after which another may follow.
create or replace function private.guard_is_earlier_round(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.flow_count(p_step.before, 'negotiation_round') + 1
    < private.flow_rule(p_step.before, 'max_rounds');
end;
$$;

revoke all on function private.guard_is_earlier_round(private.flow_step)
from public, anon, authenticated, service_role;
