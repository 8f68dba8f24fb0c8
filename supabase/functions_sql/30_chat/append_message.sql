-- Adds a message to a conversation whose row the caller has locked, and tells who may see it.
--
-- Args: the message, whose seq and times are given here; how long it lives (null: for ever).
-- Returns the row as stored. Writes: conversations (head), messages, realtime.messages.
create or replace function private.append_message(
  p_message public.messages,
  p_lifetime interval default null
)
returns public.messages
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
  v_message public.messages;
begin
  update public.conversations as c
  set
    last_seq = c.last_seq + 1,
    last_message_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where c.id = p_message.conversation_id
  returning c.* into strict v_conversation;

  insert into public.messages (
    conversation_id, seq, id, sender_id, receiver_id, message, media_url, message_type,
    visible_to, action_required, action_data, reply_to, client_message_id, expires_at, created_at,
    updated_at
  )
  values (
    v_conversation.id, v_conversation.last_seq, coalesce(p_message.id, gen_random_uuid()),
    p_message.sender_id, p_message.receiver_id, coalesce(p_message.message, ''),
    p_message.media_url, p_message.message_type, coalesce(p_message.visible_to, 'all'),
    coalesce(p_message.action_required, false), p_message.action_data, p_message.reply_to,
    p_message.client_message_id, v_conversation.last_message_at + p_lifetime,
    v_conversation.last_message_at, v_conversation.last_message_at
  )
  returning * into v_message;

  perform private.announce_message(v_message, v_conversation);
  return v_message;
end;
$$;

revoke all on function private.append_message(public.messages, interval)
from public, anon, authenticated, service_role;
