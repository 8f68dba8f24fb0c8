-- The compact part of a conversation's context that broadcasts carry, without the version, which
-- is each member's own.
create or replace function private.conversation_headline(p_conversation public.conversations)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'flow_state', p_conversation.flow_state,
    'chat_status', p_conversation.chat_status,
    'awaiting_role', p_conversation.awaiting_role,
    'last_seq', p_conversation.last_seq
  );
end;
$$;

revoke all on function private.conversation_headline(public.conversations)
from public, anon, authenticated, service_role;
