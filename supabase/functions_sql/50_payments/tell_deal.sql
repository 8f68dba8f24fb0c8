-- Tells a deal a fact of the payment provider; only the flow decides the step.
--
-- Args: the conversation, locked, as it is stored; the fact, an action of the flow's system; its
-- input. Returns null when the flow took the step, otherwise the code of the refusal.
-- Locks: the conversation must be locked already. Writes: as private.run_deadlines and
-- private.advance_conversation.
create or replace function private.tell_deal(
  p_conversation private.conversations,
  p_fact text,
  p_input jsonb
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_refusal text;
begin
  v_step.at := clock_timestamp();
  if p_conversation.deadline_at <= v_step.at then
    p_conversation := private.run_deadlines(p_conversation, p_is_trial => false);
    v_step.at := clock_timestamp();
  end if;
  v_step.conversation := p_conversation;
  v_step.role := 'system';
  v_step.action := p_fact;
  v_step.input := p_input;
  v_step.is_trial := false;
  perform private.advance_conversation(v_step);
  return null;
exception
  when sqlstate 'PGRST' then
    get stacked diagnostics v_refusal = message_text;
    return v_refusal::jsonb ->> 'code';
end;
$$;
