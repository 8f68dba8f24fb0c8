-- Holds when the brand owner may name one more price.
create or replace function private.guard_has_round_left(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.flow_count(p_step.before, 'negotiation_round')
    < private.flow_rule(p_step.before, 'max_rounds');
end;
$$;

revoke all on function private.guard_has_round_left(private.flow_step)
from public, anon, authenticated, service_role;
