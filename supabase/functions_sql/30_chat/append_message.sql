-- Adds a message to a conversation whose row the caller has locked, and tells who may see it.
--
-- Args: the message; seq, id and times in it are ignored, they are given here.
-- Returns the row as stored. Writes: conversations (head), messages, realtime.messages.
create or replace function private.append_message(p_message public.messages)
returns public.messages
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
  v_message public.messages;
  v_listeners uuid[];
  v_payload jsonb;
begin
  update public.conversations as c
  set
    last_seq = c.last_seq + 1,
    last_message_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where c.id = p_message.conversation_id
  returning c.* into strict v_conversation;

  insert into public.messages (
    conversation_id, seq, sender_id, receiver_id, message, media_url, message_type, visible_to,
    action_required, action_data, reply_to, client_message_id, expires_at, created_at, updated_at
  )
  values (
    v_conversation.id, v_conversation.last_seq, p_message.sender_id, p_message.receiver_id,
    coalesce(p_message.message, ''), p_message.media_url, p_message.message_type,
    coalesce(p_message.visible_to, 'all'), coalesce(p_message.action_required, false),
    p_message.action_data, p_message.reply_to, p_message.client_message_id, p_message.expires_at,
    v_conversation.last_message_at, v_conversation.last_message_at
  )
  returning * into v_message;

  v_listeners := case
    when v_message.visible_to = 'all' then array[v_conversation.user_a, v_conversation.user_b]
    else array[v_message.receiver_id]
  end;
  v_payload := jsonb_build_object(
    'conversation_id', v_conversation.id,
    'message', private.message_json(v_message),
    'conversation_context', private.conversation_headline(v_conversation)
  );
  perform private.broadcast(
    'new_message', v_listeners, array_fill(v_payload, array[cardinality(v_listeners)])
  );
  return v_message;
end;
$$;

revoke all on function private.append_message(public.messages)
from public, anon, authenticated, service_role;
