-- How the state moved: where it was, where it is now, who is awaited, why, and every state entered
-- on the way.
create or replace function private.flow_update_json(p_outcome private.flow_outcome)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'previous_state', p_outcome.previous_state,
    'new_state', (p_outcome.conversation).flow_state,
    'awaiting_role', (p_outcome.conversation).awaiting_role,
    'reason', p_outcome.reason,
    'path', to_jsonb(p_outcome.path)
  );
end;
$$;

revoke all on function private.flow_update_json(private.flow_outcome)
from public, anon, authenticated, service_role;
