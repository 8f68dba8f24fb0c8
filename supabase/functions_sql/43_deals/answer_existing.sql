-- The answer to opening a deal that is open already: the deal as it is, with `created: false`; kept
-- for a repeat.
--
-- Writes: action_results.
create or replace function private.answer_existing(p_call private.action_call)
returns jsonb
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_outcome private.flow_outcome;
  v_result jsonb;
begin
  v_outcome.conversation := p_call.conversation;
  v_outcome.previous_state := (p_call.conversation).flow_state;
  v_outcome.path := '{}';
  v_result := private.action_result(v_outcome, p_call.actor_id, p_call.role)
    || jsonb_build_object('created', false);
  perform private.keep_result(p_call, (p_call.conversation).id, v_result);
  return v_result;
end;
$$;

revoke all on function private.answer_existing(private.action_call)
from public, anon, authenticated, service_role;
