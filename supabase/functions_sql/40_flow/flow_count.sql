-- A number that the flow keeps of a conversation; 0 before it was first counted.
create or replace function private.flow_count(p_conversation public.conversations, p_key text)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_conversation.flow_data ->> p_key)::integer, 0);
end;
$$;

revoke all on function private.flow_count(public.conversations, text)
from public, anon, authenticated, service_role;
