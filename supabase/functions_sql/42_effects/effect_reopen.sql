-- The conversation is as open as it was before it was closed.
create or replace function private.effect_reopen(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.close_reason := null;
  v_conversation.closed_by := null;
  return v_conversation;
end;
$$;

revoke all on function private.effect_reopen(private.flow_step)
from public, anon, authenticated, service_role;
