-- Asks for an amount of what a deal holds to be sent back, and returns the conversation that knows.
-- There is nothing left to resume.
--
-- Writes: refunds.
create or replace function private.ask_refund(p_step private.flow_step, p_amount_minor bigint)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data - 'resume'
    || jsonb_build_object('refund_minor', p_amount_minor);
  if not p_step.is_trial then
    insert into private.refunds (
      conversation_id, payment_id, amount_minor, currency, kind, reason, requested_at
    )
    values (
      v_conversation.id, v_conversation.flow_data ->> 'payment_id', p_amount_minor,
      v_conversation.currency, 'deal', p_step.reason, p_step.at
    );
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.ask_refund(private.flow_step, bigint)
from public, anon, authenticated, service_role;
