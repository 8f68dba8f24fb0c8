-- When the time limit of the state that a conversation is in ends; null: it has none.
--
-- since_entry counts from the entry into the state; payment_window like it, but as long as a
-- payment attempt may still come through (rule attempt_hours); since_payment from the payment,
-- moved on by the time that disputes froze, and never before the days of grace after an agreed
-- delivery (rule overdue_grace_days).
create or replace function private.state_deadline(p_conversation public.conversations)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_state private.flow_states;
begin
  select s.* into v_state
  from private.flow_states as s
  where s.flow_id = p_conversation.flow_id and s.state = p_conversation.flow_state;
  return case v_state.clock
    when 'since_entry' then p_conversation.entered_at + v_state.lasts
    when 'since_payment' then greatest(
      (p_conversation.flow_data ->> 'clock_from')::timestamptz + v_state.lasts,
      p_conversation.delivery_due_at
        + private.flow_rule(p_conversation.flow_id, 'overdue_grace_days') * interval '1 day'
    )
    when 'payment_window' then greatest(
      p_conversation.entered_at + v_state.lasts,
      (p_conversation.flow_data ->> 'last_attempt_at')::timestamptz
        + private.flow_rule(p_conversation.flow_id, 'attempt_hours') * interval '1 hour'
    )
  end;
end;
$$;
