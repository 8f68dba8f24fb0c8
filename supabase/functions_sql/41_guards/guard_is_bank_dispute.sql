-- Holds when the dispute is the bank's.
create or replace function private.guard_is_bank_dispute(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_step.before).flow_data #>> '{dispute,origin}' = 'bank', false);
end;
$$;

revoke all on function private.guard_is_bank_dispute(private.flow_step)
from public, anon, authenticated, service_role;
