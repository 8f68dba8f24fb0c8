-- Ends the call because a guard about whose turn it is does not hold: the other party's turn, or
-- nobody's.
--
-- Errors: NOT_YOUR_TURN (409), GUARD_FAILED (409) `{guard}`.
create or replace function private.refuse_turn(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_guard text
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_other private.flow_step := p_step;
begin
  v_other.role := private.other_role(p_step.role);
  if private.guard_holds(p_guard, v_other, p_row.to_state) then
    perform private.raise_not_your_turn(p_step.conversation);
  end if;
  perform private.refuse_guard(p_step, p_guard);
end;
$$;

revoke all on function private.refuse_turn(private.flow_step, private.flow_transitions, text)
from public, anon, authenticated, service_role;
