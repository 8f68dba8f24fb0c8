-- Holds when the actor opened the dispute; nobody did when the bank or an operator opened it.
create or replace function private.guard_is_opener(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).flow_data #>> '{dispute,opened_by}' = p_step.role, false)
    and (p_step.before).flow_data #>> '{dispute,origin}' = 'party';
end;
$$;

revoke all on function private.guard_is_opener(private.flow_step)
from public, anon, authenticated, service_role;
