-- Tells those who may see a message that it is there: new_message to each of them, and a
-- notification to the one who did not send it, unless that one has muted the conversation.
--
-- Text and media of a message that disappears are withheld from both: a broadcast is kept for days
-- where no clock hides it.
-- Writes: realtime.messages, push_outbox.
-- Events: new_message, notification.
create or replace function private.announce_message(
  p_message public.messages,
  p_conversation public.conversations
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_message constant jsonb := private.withhold_content(private.message_json(p_message));
  v_topics text[] := case
    when p_message.visible_to = 'all'
      then array['user:' || p_conversation.user_a, 'user:' || p_conversation.user_b]
    else array['user:' || p_message.receiver_id]
  end;
  v_payload constant jsonb := jsonb_build_object(
    'conversation_id', p_conversation.id,
    'message', v_message,
    'conversation_context', private.conversation_headline(p_conversation)
  );
  v_events text[] := array_fill('new_message'::text, array[cardinality(v_topics)]);
  v_payloads jsonb[] := array_fill(v_payload, array[cardinality(v_topics)]);
  v_about constant jsonb := jsonb_build_object(
    'conversation_id', p_conversation.id,
    'message_id', p_message.id,
    'sender_id', p_message.sender_id
  );
begin
  if p_message.message_type = 'user_input' and exists (
    select from private.participants as p
    where p.conversation_id = p_conversation.id
      and p.user_id = p_message.receiver_id
      and (p.muted_until is null or p.muted_until <= now())
  ) then
    v_events := v_events || 'notification'::text;
    v_topics := v_topics || ('user:' || p_message.receiver_id);
    v_payloads := v_payloads || jsonb_build_object('type', 'message', 'data', v_about);
    perform private.queue_push(p_message.receiver_id, 'message', v_about);
  end if;
  perform private.broadcast(v_events, v_topics, v_payloads);
end;
$$;

revoke all on function private.announce_message(public.messages, public.conversations)
from public, anon, authenticated, service_role;
