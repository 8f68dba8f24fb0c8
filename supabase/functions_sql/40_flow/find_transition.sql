-- The row of the flow that a step takes, or the refusal that says best why there is none.
--
-- Which refusal wins: docs/API.md, "Errors".
-- Errors: ACTION_UNKNOWN (422), CHAT_CLOSED (409), FLOW_STATE_INVALID (409) `{current_state,
-- required_state, awaiting_role, allowed_actions}`, NOT_YOUR_TURN (409), INPUT_INVALID (422),
-- PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), PRICE_CHANGED (409) `{price}`,
-- REVISION_LIMIT (409), NEGOTIATION_LIMIT (409), FUNDS_HELD (409), GUARD_FAILED (409) `{guard}`.
create or replace function private.find_transition(p_step private.flow_step)
returns private.flow_choice
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- Whose turn it is comes before what was typed.
  c_turn_guards constant text[] := array['is_awaited', 'is_requester', 'is_opener'];
  v_choice private.flow_choice;
  v_step private.flow_step := p_step;
  v_rows private.flow_transitions[];
  v_row private.flow_transitions;
  v_guard text;
  v_failed text;
begin
  v_step.before := v_step.conversation;
  v_rows := private.list_transitions(v_step);
  if v_rows is null then
    perform private.refuse_action(v_step);
  end if;

  foreach v_row in array v_rows loop
    foreach v_guard in array v_row.guards loop
      if v_guard = any (c_turn_guards) and not private.guard_holds(
        v_guard, v_step, v_row.to_state
      ) then
        perform private.refuse_turn(v_step, v_row, v_guard);
      end if;
    end loop;
  end loop;

  v_step.input := private.check_input(
    (v_step.conversation).flow_id, v_step.action, v_step.input
  );
  foreach v_row in array v_rows loop
    v_failed := private.find_failed_guard(v_step, v_row);
    if v_failed is null then
      v_choice.step := v_step;
      v_choice.transition := v_row;
      return v_choice;
    end if;
  end loop;
  perform private.refuse_guard(v_step, v_failed);
  return null;
end;
$$;

revoke all on function private.find_transition(private.flow_step)
from public, anon, authenticated, service_role;
