-- Ends the call because a flow breaks what every flow must keep.
--
-- Errors: FLOW_UNSOUND (422) `{violations}`.
create or replace function private.raise_flow_unsound(p_violations jsonb)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'FLOW_UNSOUND',
    format(
      'This flow cannot be published, %s found. The first: %s',
      case jsonb_array_length(p_violations)
        when 1 then 'a fault was'
        else jsonb_array_length(p_violations) || ' faults were'
      end,
      p_violations #>> '{0,message}'
    ),
    jsonb_build_object('violations', p_violations),
    p_status => 422,
    p_hint => 'Mend the flow, and try it with validate_flow.'
  );
end;
$$;

revoke all on function private.raise_flow_unsound(jsonb)
from public, anon, authenticated, service_role;
