-- When the time limit of the state is that a conversation is in already, after something that it
-- depends on has changed.
create or replace function private.renewed_deadline(p_conversation public.conversations)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select private.state_deadline(p_conversation, s)
    from private.flow_states as s
    where s.flow_id = p_conversation.flow_id and s.state = p_conversation.flow_state
  );
end;
$$;

revoke all on function private.renewed_deadline(public.conversations)
from public, anon, authenticated, service_role;
