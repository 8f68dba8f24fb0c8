-- Stores a notification for a user, tells the user's devices, and queues a push.
--
-- Args: the user; one of the types of private.notifications; the conversation; the message; more
-- data for the client, ids and numbers only.
-- Writes: notifications, push_outbox, realtime.messages. Events: notification `{type, data}`.
create or replace function private.notify(
  p_user_id uuid,
  p_type text,
  p_conversation_id uuid,
  p_data jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_data constant jsonb := p_data || jsonb_build_object(
    'conversation_id', p_conversation_id, 'message_id', null
  );
begin
  insert into private.notifications (user_id, type, conversation_id, data)
  values (p_user_id, p_type, p_conversation_id, p_data);
  perform private.broadcast(
    array['notification'], array['user:' || p_user_id],
    array[jsonb_build_object('type', p_type, 'data', v_data)]
  );
  perform private.queue_push(p_user_id, p_type, v_data);
end;
$$;
