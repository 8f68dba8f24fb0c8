-- A message that was just made, in the shape that clients get: nobody has read it yet.
--
-- Has the same keys as private.my_messages; a test compares them.
create or replace function private.message_json(p_message public.messages)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'id', p_message.id,
    'conversation_id', p_message.conversation_id,
    'seq', p_message.seq,
    'sender_id', p_message.sender_id,
    'receiver_id', p_message.receiver_id,
    'message', p_message.message,
    'media_url', p_message.media_url,
    'attachments', p_message.attachments,
    'message_type', p_message.message_type,
    'visible_to', p_message.visible_to,
    'action_required', p_message.action_required,
    'action_data', p_message.action_data,
    'action_completed', p_message.action_completed,
    'is_automated', p_message.is_automated,
    'reply_to', p_message.reply_to,
    'client_message_id', p_message.client_message_id,
    'expires_at', p_message.expires_at,
    'seen', false,
    'is_read', false,
    'read_at', null,
    'status', 'sent',
    'created_at', p_message.created_at
  );
end;
$$;

-- A message's JSON as it may leave through a channel that no clock empties: as it is, or, when the
-- message disappears one day, without text, media and files and with `content_withheld: true`.
create or replace function private.withhold_content(p_message jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case p_message -> 'expires_at'
    when 'null' then p_message
    else p_message - array['message', 'media_url', 'attachments'] || '{"content_withheld": true}'
  end;
end;
$$;
