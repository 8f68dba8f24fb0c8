-- When the time limit of a conversation's state is; null: it has none.
--
-- since_entry counts from when the state was entered; since_payment from the payment, moved on by
-- the time that disputes froze; payment_window like since_entry, but as long as a payment that was
-- tried may still come through (rule attempt_hours).
create or replace function private.state_deadline(p_conversation public.conversations)
returns timestamptz
language plpgsql
stable
security invoker
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
    when 'since_payment'
      then (p_conversation.flow_data ->> 'clock_from')::timestamptz + v_state.lasts
    when 'payment_window' then greatest(
      p_conversation.entered_at + v_state.lasts,
      (p_conversation.flow_data ->> 'last_attempt_at')::timestamptz
        + private.flow_rule(p_conversation, 'attempt_hours') * interval '1 hour'
    )
  end;
end;
$$;

revoke all on function private.state_deadline(public.conversations)
from public, anon, authenticated, service_role;
