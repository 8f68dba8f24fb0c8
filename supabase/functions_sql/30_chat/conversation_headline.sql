-- The compact part of a conversation's context that broadcasts carry; the same for both members.
-- The version is that of private.my_conversations; a test compares them.
create or replace function private.conversation_headline(p_conversation public.conversations)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'flow_state', p_conversation.flow_state,
    'chat_status', p_conversation.chat_status,
    'awaiting_role', p_conversation.awaiting_role,
    'last_seq', p_conversation.last_seq,
    'version', p_conversation.version + p_conversation.last_seq + sum(p.version) + (
      select count(*)
      from public.messages as m
      where m.conversation_id = p_conversation.id and m.expires_at <= now()
    )
  )
  from private.participants as p
  where p.conversation_id = p_conversation.id;
$$;

revoke all on function private.conversation_headline(public.conversations)
from public, anon, authenticated, service_role;
