-- A number of the flow that a conversation runs on.
create or replace function private.flow_rule(p_conversation public.conversations, p_key text)
returns numeric
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select (f.rules ->> p_key)::numeric
    from private.flow_definitions as f
    where f.id = p_conversation.flow_id
  );
end;
$$;

revoke all on function private.flow_rule(public.conversations, text)
from public, anon, authenticated, service_role;
