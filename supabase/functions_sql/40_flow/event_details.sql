-- What the history keeps of a step beside its columns, for both sides to read: the row, the reason,
-- and what was typed, without the fields that the flow marks as secret.
create or replace function private.event_details(
  p_step private.flow_step,
  p_row private.flow_transitions
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'transition', p_row.name,
    'reason', p_step.reason,
    'input', case p_step.input
      when '{}' then '{}'
      else p_step.input - array(
        select i.field
        from private.flow_inputs as i
        where i.flow_id = p_row.flow_id and i.action = p_row.action and i.is_secret
      )
    end
  );
end;
$$;

revoke all on function private.event_details(private.flow_step, private.flow_transitions)
from public, anon, authenticated, service_role;
