-- Stores a conversation as a step of the flow leaves it, with numbers for its new messages.
--
-- Returns the row. Time of a message is the server's clock, also for a step that was due earlier.
-- Writes: conversations.
create or replace function private.store_conversation(
  p_conversation public.conversations,
  p_notes private.flow_note[]
)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_conversation;
begin
  update public.conversations as c
  set
    flow_state = p_conversation.flow_state,
    awaiting_role = p_conversation.awaiting_role,
    current_action_data = private.next_action_data(p_conversation, p_notes),
    flow_data = p_conversation.flow_data,
    work_submission = p_conversation.work_submission,
    work_submitted = p_conversation.work_submitted,
    work_status = p_conversation.work_status,
    submission_date = p_conversation.submission_date,
    amount_minor = p_conversation.amount_minor,
    deadline_at = p_conversation.deadline_at,
    entered_at = p_conversation.entered_at,
    timed_at = p_conversation.timed_at,
    delivery_due_at = p_conversation.delivery_due_at,
    close_reason = p_conversation.close_reason,
    closed_by = p_conversation.closed_by,
    captured_minor = p_conversation.captured_minor,
    held_minor = p_conversation.held_minor,
    released_minor = p_conversation.released_minor,
    fee_minor = p_conversation.fee_minor,
    refunded_minor = p_conversation.refunded_minor,
    charged_back_minor = p_conversation.charged_back_minor,
    version = p_conversation.version,
    last_seq = c.last_seq + cardinality(p_notes),
    last_message_at = case
      when p_notes = '{}' then c.last_message_at
      else clock_timestamp()
    end,
    updated_at = clock_timestamp()
  where c.id = p_conversation.id
  returning c.* into v_conversation;
  return v_conversation;
end;
$$;

revoke all on function private.store_conversation(public.conversations, private.flow_note[])
from public, anon, authenticated, service_role;
