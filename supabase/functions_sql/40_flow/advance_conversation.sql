-- Moves a conversation on by one action, as the rows of its flow say: the one interpreter of flows.
--
-- Finds the row for the state, the role and the action; checks input and guards; enters the next
-- state; runs the effects; says what the row says; and goes on with a row's follow-up in the same
-- transaction: one of the system always, one of the actor when its input is there already.
-- Args: the step: the conversation, locked unless this is a trial, with no time limit due; who does
-- what, with which input; when. A trial changes nothing outside its answer.
-- Returns what became of it; the messages of a trial have no numbers.
-- Locks: the conversation's row must be locked already. Writes: what private.record_step writes,
-- and what the effects write.
-- Errors: those of private.find_transition and of the effects.
create or replace function private.advance_conversation(p_step private.flow_step)
returns private.flow_outcome
language plpgsql
security invoker
set search_path = ''
as $$
declare
  -- More than any proved flow takes at once: a belt beside the proof's braces.
  c_most constant integer := 20;
  v_step private.flow_step := p_step;
  v_row private.flow_transitions;
  v_choice private.flow_choice;
  v_follow_up private.flow_step;
  v_notes private.flow_note[];
  v_stored private.flow_outcome;
  v_outcome private.flow_outcome;
begin
  v_outcome.previous_state := (p_step.conversation).flow_state;
  v_outcome.path := '{}';
  v_outcome.effects := '{}';
  v_outcome.messages := '{}';
  loop
    v_choice := private.find_transition(v_step);
    v_row := v_choice.transition;
    v_step := private.take_row(v_choice.step, v_row);
    v_follow_up := private.plan_follow_up(v_step, v_row, p_step);
    v_notes := private.compose_messages(v_step, v_row, v_follow_up.action is not null);
    if not v_step.is_trial then
      v_stored := private.record_step(v_step, v_row, v_notes);
      v_step.conversation := v_stored.conversation;
    end if;

    v_outcome.conversation := v_step.conversation;
    v_outcome.path := v_outcome.path || v_row.to_state;
    v_outcome.effects := v_outcome.effects || v_row.effects;
    v_outcome.reason := coalesce(v_outcome.reason, v_step.reason);
    v_outcome.messages := v_outcome.messages || case
      when v_step.is_trial then array(select n.message from unnest(v_notes) as n)
      else v_stored.messages
    end;
    exit when v_follow_up.action is null or cardinality(v_outcome.path) >= c_most;
    v_follow_up.conversation := v_step.conversation;
    v_step := v_follow_up;
  end loop;
  return v_outcome;
end;
$$;

revoke all on function private.advance_conversation(private.flow_step)
from public, anon, authenticated, service_role;
