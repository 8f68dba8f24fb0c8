-- Deadlines without a timer: readers see due steps, writers store them.

-- Takes the steps that are due, each at the time when it was due, and returns the conversation
-- after them; most often there is none.
--
-- Readers pass p_is_trial and store nothing. A deadline that lies before the step that led to it is
-- due with that step.
-- Locks: unless this is a trial, the conversation's row must be locked already. Writes: as
-- private.advance_conversation, unless this is a trial.
-- Errors: none; the proof shows that the flow allows every due step.
create or replace function private.run_deadlines(
  p_conversation private.conversations,
  p_is_trial boolean
)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  -- More steps than any proved flow takes: a second safeguard beside the proof.
  c_most constant integer := 100;
  v_step private.flow_step;
  v_conversation private.conversations := p_conversation;
  -- A writer may have waited for the lock since its transaction began.
  v_now constant timestamptz := case when p_is_trial then now() else clock_timestamp() end;
begin
  for v_count in 1 .. c_most loop
    exit when v_conversation.deadline_at is null or v_conversation.deadline_at > v_now;
    v_step.conversation := v_conversation;
    v_step.role := 'system';
    v_step.is_trial := p_is_trial;
    v_step.at := greatest(v_conversation.deadline_at, v_conversation.entered_at);
    v_step.input := '{}';
    v_step.action := (
      select s.deadline_action
      from private.flow_states as s
      where s.flow_id = v_conversation.flow_id and s.state = v_conversation.flow_state
    );
    v_step := private.advance_conversation(v_step);
    v_conversation := v_step.conversation;
  end loop;
  return v_conversation;
end;
$$;

-- Takes the due steps of a batch of conversations, and returns how many deadlines had passed.
--
-- Args: the user whose conversations these are (null: all users'); how many conversations at most,
-- the longest due first. Locks: the conversations, in the order of their ids; it skips rows that
-- another session has locked. Writes: as private.run_deadlines.
create or replace function private.run_due(p_user_id uuid, p_limit integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
  v_count integer := 0;
begin
  for v_conversation in
    select c.*
    from private.conversations as c
    where c.id in (
      select due.id
      from private.conversations as due
      where due.deadline_at <= now()
        and (p_user_id is null or p_user_id in (due.user_a, due.user_b))
      order by due.deadline_at
      limit p_limit
    )
    order by c.id
    for no key update skip locked
  loop
    perform private.run_deadlines(v_conversation, p_is_trial => false);
    v_count := v_count + (
      select count(*)
      from public.conversation_events as e
      join private.flow_states as s
        on s.flow_id = v_conversation.flow_id and s.state = e.from_state
        and s.deadline_action = e.action
      where e.conversation_id = v_conversation.id and e.version > v_conversation.version
    );
  end loop;
  return v_count;
end;
$$;

-- The deadline of a conversation's state; null: it has none.
--
-- since_entry counts from the entry into the state; payment_window too, but it lasts as long as a
-- payment attempt may still succeed (rule attempt_hours); since_payment counts from the payment,
-- plus pauses that the influencer did not ask for, and does not end before the grace after the
-- delivery date (rule overdue_grace_days). A day of the flow has 24 hours: calendar days depend on
-- the time zone, which callers choose.
-- Args: the conversation; the rules of its flow; its state, where that is at hand.
create or replace function private.state_deadline(
  p_conversation private.conversations,
  p_rules jsonb,
  p_state private.flow_states default null
)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_state private.flow_states := p_state;
  v_lasts interval;
begin
  if v_state.state is null then
    select s.* into v_state
    from private.flow_states as s
    where s.flow_id = p_conversation.flow_id and s.state = p_conversation.flow_state;
  end if;
  v_lasts := extract(epoch from v_state.lasts) * interval '1 second';
  return case v_state.clock
    when 'since_entry' then p_conversation.entered_at + v_lasts
    when 'since_payment' then greatest(
      (p_conversation.flow_data ->> 'clock_from')::timestamptz + v_lasts,
      p_conversation.delivery_due_at
        + (p_rules ->> 'overdue_grace_days')::numeric * interval '24 hours'
    )
    when 'payment_window' then greatest(
      p_conversation.entered_at + v_lasts,
      (p_conversation.flow_data ->> 'last_attempt_at')::timestamptz
        + (p_rules ->> 'attempt_hours')::numeric * interval '1 hour'
    )
  end;
end;
$$;
