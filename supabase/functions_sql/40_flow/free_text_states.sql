-- The states of a flow that are open for free text, in order.
create or replace function private.free_text_states(p_flow_id bigint)
returns text[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return array(
    select s.state
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.free_text
    order by s.position
  );
end;
$$;

revoke all on function private.free_text_states(bigint)
from public, anon, authenticated, service_role;
