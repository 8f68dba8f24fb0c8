-- Writes one step of the flow: the conversation as it is now, what its open action messages become,
-- its messages, its line in the history, and who hears what.
--
-- Args: the step after its effects; the row; the messages that it says.
-- Returns the conversation and the messages as they are stored.
-- Locks: the conversation's row must be locked already.
-- Writes: conversations, messages, participants, conversation_events, event_salts, notifications,
-- push_outbox, realtime.messages.
-- Events: new_message, conversation_state_changed, notification.
create or replace function private.record_step(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_notes private.flow_note[]
)
returns private.flow_outcome
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
  v_outcome private.flow_outcome;
begin
  perform private.complete_actions(p_step, p_row, p_notes);
  v_conversation := private.store_conversation(p_step.conversation, p_notes);
  v_outcome.conversation := v_conversation;
  with stored as (
    insert into public.messages as m (
      conversation_id, seq, id, sender_id, receiver_id, message, message_type, visible_to,
      action_required, action_data, created_at, updated_at
    )
    select
      v_conversation.id, v_conversation.last_seq - cardinality(p_notes) + n.place,
      (n.message).id, (n.message).sender_id, (n.message).receiver_id, (n.message).message,
      (n.message).message_type, (n.message).visible_to, (n.message).action_required,
      (n.message).action_data, v_conversation.last_message_at, v_conversation.last_message_at
    from unnest(p_notes) with ordinality as n (message, notification, place)
    returning m
  )
  select coalesce(array_agg(stored.m order by (stored.m).seq), '{}') into v_outcome.messages
  from stored;
  perform private.append_event(
    p_step, p_row.from_state, private.event_details(p_step, p_row)
  );
  perform private.announce_step(v_conversation, p_step, p_row, v_outcome.messages);
  perform private.notify_of_step(v_conversation, p_notes);
  return v_outcome;
end;
$$;

revoke all on function private.record_step(
  private.flow_step, private.flow_transitions, private.flow_note[]
) from public, anon, authenticated, service_role;
