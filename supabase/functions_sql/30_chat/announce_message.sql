-- Tells those who may see a message that it is there: new_message to each of them, and a
-- notification to the one who did not send it, unless that one has muted the conversation.
--
-- Args: the conversation, the message, and the message as clients get it. Text and media of a
-- message that disappears are withheld: a broadcast is kept for days where no clock hides it.
-- Writes: realtime.messages, push_outbox.
-- Events: new_message, notification.
create or replace function private.announce_message(
  p_conversation public.conversations,
  p_message public.messages,
  p_json jsonb
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_headline constant jsonb := private.conversation_headline(p_conversation);
  v_json constant jsonb := private.withhold_content(p_json);
  v_about constant jsonb := jsonb_build_object(
    'conversation_id', p_conversation.id,
    'message_id', p_message.id,
    'sender_id', p_message.sender_id
  );
  v_topics text[];
  v_events text[];
  v_payloads jsonb[];
  v_is_notified boolean;
begin
  select
    array_agg('user:' || v.user_id),
    array_agg('new_message'::text),
    array_agg(
      jsonb_build_object(
        'conversation_id', p_conversation.id,
        'message', v_json,
        'conversation_context', v_headline || jsonb_build_object('version', v.version)
      )
    ),
    p_message.message_type = 'user_input'
      and bool_or(v.user_id = p_message.receiver_id and not v.is_muted)
  into v_topics, v_events, v_payloads, v_is_notified
  from private.conversation_versions(p_conversation) as v
  where p_message.visible_to = 'all' or v.user_id = p_message.receiver_id;

  if v_is_notified then
    v_topics := v_topics || ('user:' || p_message.receiver_id);
    v_events := v_events || 'notification'::text;
    v_payloads := v_payloads || jsonb_build_object('type', 'message', 'data', v_about);
    perform private.queue_push(p_message.receiver_id, 'message', v_about);
  end if;
  perform private.broadcast(v_events, v_topics, v_payloads);
end;
$$;

revoke all on function private.announce_message(public.conversations, public.messages, jsonb)
from public, anon, authenticated, service_role;
