-- Stores the message whose number claim_seq has just given out, and tells who may see it.
--
-- Args: the conversation as claim_seq returned it; the message, whose seq and times are given here;
-- how long it lives (null: for ever).
-- Returns the message in the shape that clients get. Writes: messages, realtime.messages,
-- push_outbox.
create or replace function private.store_message(
  p_conversation public.conversations,
  p_message public.messages,
  p_lifetime interval default null
)
returns jsonb
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_message public.messages;
  v_json jsonb;
begin
  insert into public.messages (
    conversation_id, seq, id, sender_id, receiver_id, message, media_url, message_type,
    visible_to, action_required, action_data, reply_to, client_message_id, expires_at, created_at,
    updated_at
  )
  values (
    p_conversation.id, p_conversation.last_seq, coalesce(p_message.id, gen_random_uuid()),
    p_message.sender_id, p_message.receiver_id, coalesce(p_message.message, ''),
    p_message.media_url, p_message.message_type, coalesce(p_message.visible_to, 'all'),
    coalesce(p_message.action_required, false), p_message.action_data, p_message.reply_to,
    p_message.client_message_id, p_conversation.last_message_at + p_lifetime,
    p_conversation.last_message_at, p_conversation.last_message_at
  )
  returning * into v_message;

  v_json := private.message_json(v_message);
  perform private.announce_message(p_conversation, v_message, v_json);
  return v_json;
end;
$$;

revoke all on function private.store_message(public.conversations, public.messages, interval)
from public, anon, authenticated, service_role;
