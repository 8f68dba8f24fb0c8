-- Takes an action of an operator, or of the system after a fact from outside.
--
-- Only the interpreter may take the steps of deadlines and follow-ups.
-- Args: the conversation; the action and its input; admin or system; whether it would end a deal
-- that holds money.
-- Locks: the conversation. Writes: as private.run_deadlines and private.advance_conversation.
-- Errors: FORBIDDEN (403) for an operator who is a member, CONVERSATION_NOT_FOUND (404),
-- ACTION_UNKNOWN (422), FUNDS_HELD (409), those of private.advance_conversation.
create or replace function private.operate(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb,
  p_role text default 'admin',
  p_ends_deal boolean default false
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_input constant jsonb := private.read_fields(coalesce(p_input, '{}'));
begin
  v_step.conversation := private.run_deadlines(
    private.lock_conversation(p_conversation_id, null), p_is_trial => false
  );
  if p_role = 'admin' then
    perform private.refuse_own(p_conversation_id);
  end if;
  if exists (
    select from private.flow_states as s
    where s.flow_id = (v_step.conversation).flow_id and s.deadline_action = p_action
  ) or exists (
    select from private.flow_transitions as t
    where t.flow_id = (v_step.conversation).flow_id and t.follow_up = p_action
  ) then
    perform private.raise_error(
      'ACTION_UNKNOWN', 'Only the flow itself does this.', p_status => 422
    );
  end if;
  if p_ends_deal and (v_step.conversation).held_minor > 0 then
    perform private.raise_error(
      'FUNDS_HELD', 'This deal holds money.', p_status => 409,
      p_hint => 'Stop it with force_dispute, then decide with resolve_dispute.'
    );
  end if;
  v_step.actor_id := case when p_role = 'admin' then auth.uid() end;
  v_step.role := p_role;
  v_step.action := p_action;
  v_step.input := v_input;
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  v_step := private.advance_conversation(v_step);
  return jsonb_build_object(
    'success', true,
    'conversation_id', p_conversation_id,
    'flow_update', private.flow_update_json(v_step)
  );
end;
$$;
