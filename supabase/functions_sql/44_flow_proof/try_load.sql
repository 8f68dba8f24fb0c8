-- Makes a draft of a spec, or says in p_violations why its rows cannot be stored (p_flow_id is null
-- then, and nothing is written).
--
-- Writes: what load_flow_draft writes.
create or replace function private.try_load(
  p_spec jsonb,
  p_flow_id out bigint,
  p_violations out jsonb
)
returns record
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_said text;
begin
  p_violations := (
    select jsonb_agg(to_jsonb(s) || '{"counter_example": []}') from private.refute_size(p_spec) as s
  );
  if p_violations is null then
    p_violations := (
      select jsonb_agg(to_jsonb(k) || '{"counter_example": []}')
      from private.refute_keys(p_spec) as k
    );
  end if;
  if p_violations is null then
    p_flow_id := private.load_flow_draft(p_spec);
  end if;
-- What a spec can break of the tables' types, keys and checks.
exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
  get stacked diagnostics v_said = message_text;
  p_flow_id := null;
  p_violations := jsonb_build_array(
    jsonb_build_object(
      'property', 'shape',
      'message', format('The rows of the flow cannot be stored: %s.', v_said),
      'counter_example', '[]'::jsonb
    )
  );
end;
$$;

revoke all on function private.try_load(jsonb)
from public, anon, authenticated, service_role;
