-- The rows of the flow for what a step wants to do where its conversation is, in order; null when
-- there are none.
create or replace function private.list_transitions(p_step private.flow_step)
returns private.flow_transitions[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select array_agg(t order by t.position)
    from private.flow_transitions as t
    where t.flow_id = (p_step.conversation).flow_id
      and t.from_state = (p_step.conversation).flow_state
      and t.role = p_step.role
      and t.action = p_step.action
  );
end;
$$;

revoke all on function private.list_transitions(private.flow_step)
from public, anon, authenticated, service_role;
