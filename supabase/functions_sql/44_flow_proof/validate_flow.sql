-- RPC: operators prove a flow before publishing it; writes nothing.
create or replace function public.validate_flow(spec jsonb)
returns jsonb
language sql
set search_path = ''
as $$
  select private.validate_flow(spec);
$$;

-- Proves a flow without publishing it: `{valid, states, extended_states, edges, violations:
-- [{property, message, counter_example}]}`. Nothing is kept.
--
-- Definer: clients may neither read nor write flows.
-- Writes: as load_flow_draft, and deletes it again (flow_definitions).
-- Errors: FORBIDDEN (403).
create or replace function private.validate_flow(p_spec jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_loaded record;
  v_proof jsonb;
begin
  perform private.require_operator();
  v_loaded := private.try_load(p_spec);
  if v_loaded.p_flow_id is null then
    v_proof := jsonb_build_object(
      'states', 0, 'extended_states', 0, 'edges', 0, 'violations', v_loaded.p_violations
    );
  else
    v_proof := private.prove_flow(v_loaded.p_flow_id);
    delete from private.flow_definitions as f where f.id = v_loaded.p_flow_id;
  end if;
  return v_proof || jsonb_build_object(
    'valid', jsonb_array_length(v_proof -> 'violations') = 0
  );
end;
$$;

grant execute on function public.validate_flow(jsonb) to authenticated, service_role;
grant execute on function private.validate_flow(jsonb) to authenticated, service_role;
