-- When the time limit of a conversation's state is; null: it has none.
--
-- since_entry counts from when the state was entered; payment_window like it, but as long as a
-- payment that was tried may still come through (rule attempt_hours); since_payment from the
-- payment, moved on by the time that disputes froze, and never before the days of grace after an
-- agreed delivery (rule overdue_grace_days).
create or replace function private.state_deadline(
  p_conversation public.conversations,
  p_state private.flow_states
)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return case p_state.clock
    when 'since_entry' then p_conversation.entered_at + p_state.lasts
    when 'since_payment' then greatest(
      (p_conversation.flow_data ->> 'clock_from')::timestamptz + p_state.lasts,
      p_conversation.delivery_due_at
        + private.flow_rule(p_conversation, 'overdue_grace_days') * interval '1 day'
    )
    when 'payment_window' then greatest(
      p_conversation.entered_at + p_state.lasts,
      (p_conversation.flow_data ->> 'last_attempt_at')::timestamptz
        + private.flow_rule(p_conversation, 'attempt_hours') * interval '1 hour'
    )
  end;
end;
$$;

revoke all on function private.state_deadline(public.conversations, private.flow_states)
from public, anon, authenticated, service_role;
