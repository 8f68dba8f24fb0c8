-- Stores one taken row of the flow: the conversation, its completed action messages, its new
-- messages, and its line in the history.
--
-- Args: the step after its effects, with its messages; the row; how many of its messages are stored
-- already. Returns the stored step.
-- Locks: the conversation's row must be locked already.
-- Writes: conversations, messages, and as private.append_event.
create or replace function private.record_step(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_said integer
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation private.conversations := p_step.conversation;
  v_messages public.messages[] := p_step.messages[p_said + 1:];
  v_message public.messages;
  v_stays constant boolean := p_row.to_state = p_row.from_state;
  v_renewed text[];
  v_is_done boolean := false;
begin
  -- Leaving a state completes every open action message. A step that stays in its state completes
  -- the messages of readers who get a new one now. When the taken action cannot be taken again, it
  -- also completes the message that offered it.
  if v_stays then
    v_renewed := array(
      select m.visible_to from unnest(v_messages) as m where m.action_required
    );
    v_is_done := p_step.actor_id is not null and not exists (
      select
      from unnest(
        private.open_actions(v_conversation, p_step.actor_id, p_step.role)
      ) as a (action)
      where a.action ->> 'action' = p_step.action
    );
  end if;
  update public.messages as m
  set
    action_completed = true,
    -- The payer's data for the checkout is personal, and no longer needed.
    action_data = m.action_data #- '{payment_order,razorpay_config,prefill}' || jsonb_build_object(
      'completed_by', p_step.role, 'completed_action', p_step.action
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = v_conversation.id
    and m.action_required
    and not m.action_completed
    and (
      not v_stays
      or m.visible_to = any (v_renewed)
      or v_is_done and m.visible_to in (p_step.role, 'all')
        and m.action_data -> 'buttons' @> jsonb_build_array(
          jsonb_build_object('action', p_step.action)
        )
    );

  -- The newest action for the awaited party, without the parts that only that party may read.
  if v_conversation.awaiting_role is null then
    v_conversation.current_action_data := null;
  else
    foreach v_message in array v_messages loop
      if v_message.action_required and v_message.visible_to = v_conversation.awaiting_role then
        v_conversation.current_action_data := jsonb_build_object(
          'action_id', v_message.action_data -> 'action_id',
          'flow_state', v_message.action_data -> 'flow_state',
          'message_type', v_message.action_data -> 'message_type',
          'visible_to', v_message.action_data -> 'visible_to'
        );
      end if;
    end loop;
  end if;
  v_conversation.updated_at := clock_timestamp();
  update private.conversations as c
  set
    flow_state = v_conversation.flow_state,
    chat_status = v_conversation.chat_status,
    automation_enabled = v_conversation.automation_enabled,
    awaiting_role = v_conversation.awaiting_role,
    current_action_data = v_conversation.current_action_data,
    flow_data = v_conversation.flow_data,
    work_submission = v_conversation.work_submission,
    work_submitted = v_conversation.work_submitted,
    work_status = v_conversation.work_status,
    submission_date = v_conversation.submission_date,
    amount_minor = v_conversation.amount_minor,
    deadline_at = v_conversation.deadline_at,
    entered_at = v_conversation.entered_at,
    timed_at = v_conversation.timed_at,
    delivery_due_at = v_conversation.delivery_due_at,
    close_reason = v_conversation.close_reason,
    closed_by = v_conversation.closed_by,
    captured_minor = v_conversation.captured_minor,
    held_minor = v_conversation.held_minor,
    released_minor = v_conversation.released_minor,
    fee_minor = v_conversation.fee_minor,
    refunded_minor = v_conversation.refunded_minor,
    charged_back_minor = v_conversation.charged_back_minor,
    version = v_conversation.version,
    last_seq = v_conversation.last_seq,
    last_message_at = v_conversation.last_message_at,
    listed_at = date_bin(
      '1 hour', v_conversation.last_message_at, timestamptz '2000-01-01 00:00:00+00'
    ),
    updated_at = v_conversation.updated_at
  where c.id = v_conversation.id;

  if cardinality(v_messages) > 0 then
    insert into public.messages (
      conversation_id, seq, id, sender_id, receiver_id, message, attachments,
      message_type, visible_to, action_required, action_data, caused_by, created_at, updated_at
    )
    select
      n.conversation_id, n.seq, n.id, n.sender_id, n.receiver_id, n.message, n.attachments,
      n.message_type, n.visible_to, n.action_required, n.action_data, p_step.actor_id,
      n.created_at, n.created_at
    from unnest(v_messages) as n;
  end if;
  v_step.conversation := v_conversation;

  -- Both sides read it, so fields that the flow marks as secret are left out.
  perform private.append_event(
    v_step, p_row.from_state,
    jsonb_build_object(
      'transition', p_row.name,
      'reason', p_step.reason,
      'input', case p_step.input
        when '{}' then '{}'
        else p_step.input - array(
          select i.field
          from private.flow_inputs as i
          where i.flow_id = p_row.flow_id and i.action = p_row.action and i.is_secret
        )
      end
    )
  );
  return v_step;
end;
$$;
