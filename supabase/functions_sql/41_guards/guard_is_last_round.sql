-- Chooses the row for the last price that the brand owner may name.
create or replace function private.guard_is_last_round(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.flow_count(p_step.before, 'negotiation_round') + 1
    >= private.flow_rule(p_step.before, 'max_rounds');
end;
$$;

revoke all on function private.guard_is_last_round(private.flow_step)
from public, anon, authenticated, service_role;
