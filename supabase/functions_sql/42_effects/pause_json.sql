-- Where a conversation was when a step began, for private.effect_resume to lead back to:
-- `{state, work_status, deadline_at}`.
create or replace function private.pause_json(p_step private.flow_step)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'state', (p_step.before).flow_state,
    'work_status', (p_step.before).work_status,
    'deadline_at', (p_step.before).deadline_at
  );
end;
$$;

revoke all on function private.pause_json(private.flow_step)
from public, anon, authenticated, service_role;
