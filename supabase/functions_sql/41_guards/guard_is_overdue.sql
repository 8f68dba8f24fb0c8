-- Holds when the delivery is late by more than the days of grace.
create or replace function private.guard_is_overdue(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce(
    p_step.at > (p_step.before).delivery_due_at
      + private.flow_rule(p_step.before, 'overdue_grace_days') * interval '1 day',
    false
  );
end;
$$;

revoke all on function private.guard_is_overdue(private.flow_step)
from public, anon, authenticated, service_role;
