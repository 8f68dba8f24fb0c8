-- A message that was just made, in the shape that clients get: nobody has read it yet.
--
-- The row has the columns of private.my_messages, in their order.
create or replace function private.message_json(p_message public.messages)
returns jsonb
language sql
stable
as $$
  select to_jsonb(
    row(
      p_message.id, p_message.conversation_id, p_message.seq, p_message.sender_id,
      p_message.receiver_id, p_message.message, p_message.media_url, p_message.attachments,
      p_message.message_type, p_message.visible_to, p_message.action_required,
      p_message.action_data, p_message.action_completed, p_message.is_automated,
      p_message.reply_to, p_message.client_message_id, p_message.expires_at, false, false, null,
      'sent', p_message.created_at
    )::private.my_messages
  );
$$;

-- A message's JSON for a channel that keeps it beyond the message's expiry: unchanged, or, when the
-- message disappears, without text, media and files and with `content_withheld: true`.
create or replace function private.withhold_content(p_message jsonb)
returns jsonb
language sql
immutable
as $$
  select case p_message -> 'expires_at'
    when 'null' then p_message
    else p_message - array['message', 'media_url', 'attachments'] || '{"content_withheld": true}'
  end;
$$;
