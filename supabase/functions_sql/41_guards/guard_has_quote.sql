-- Holds when the application carries a quote.
create or replace function private.guard_has_quote(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (p_step.before).flow_data ? 'quote_minor';
end;
$$;

revoke all on function private.guard_has_quote(private.flow_step)
from public, anon, authenticated, service_role;
