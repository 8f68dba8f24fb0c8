-- When the time limit of a conversation's state is; null: it has none.
--
-- since_entry counts from when the state was entered; since_payment from the payment, moved on by
-- the time that disputes froze; payment_window like since_entry, but as long as a payment that was
-- tried may still come through (rule attempt_hours).
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
    when 'since_payment'
      then (p_conversation.flow_data ->> 'clock_from')::timestamptz + p_state.lasts
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
