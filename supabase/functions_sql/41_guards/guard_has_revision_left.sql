-- Holds when one more revision may be asked for.
create or replace function private.guard_has_revision_left(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.flow_count(p_step.before, 'revision_count')
    < private.flow_rule(p_step.before, 'max_revisions');
end;
$$;

revoke all on function private.guard_has_revision_left(private.flow_step)
from public, anon, authenticated, service_role;
