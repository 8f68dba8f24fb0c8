-- What a flow breaks of the properties P1 to P12 and of its shape; private.prove_flow, in rows.
create or replace function private.find_flow_violations(p_flow_id bigint)
returns table (property text, message text, counter_example jsonb)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select v.property, v.message, v.counter_example
  from jsonb_to_recordset(private.prove_flow(p_flow_id) -> 'violations')
    as v (property text, message text, counter_example jsonb);
end;
$$;

revoke all on function private.find_flow_violations(bigint)
from public, anon, authenticated, service_role;
