-- Notes for their readers the messages of a step that are worth a notification.
--
-- Writes: notifications, push_outbox, realtime.messages. Events: notification.
create or replace function private.notify_of_step(
  p_conversation public.conversations,
  p_notes private.flow_note[]
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.notify(
    reader.user_id, n.notification, p_conversation.id, (n.message).id,
    jsonb_build_object(
      'sender_id', (n.message).sender_id,
      'flow_state', p_conversation.flow_state,
      'awaiting_role', p_conversation.awaiting_role
    )
  )
  from unnest(p_notes) as n
  cross join lateral (values (p_conversation.user_a), (p_conversation.user_b)) as reader (user_id)
  where n.notification is not null
    and ((n.message).visible_to = 'all' or (n.message).receiver_id = reader.user_id);
end;
$$;

revoke all on function private.notify_of_step(public.conversations, private.flow_note[])
from public, anon, authenticated, service_role;
