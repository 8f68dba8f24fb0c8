-- Publishes a flow: the next version of its kind, which new conversations start on. The same flow
-- as the one in use changes nothing. Returns `{kind, version}` of the flow now in use.
--
-- Definer: nobody else may read or write flows.
-- Locks: what publish_draft locks. Writes: what load_flow_draft and publish_draft write.
-- Errors: FORBIDDEN (403), FLOW_UNSOUND (422) `{violations}`.
create or replace function private.publish_flow(p_spec jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_loaded record;
begin
  perform private.require_operator();
  v_loaded := private.try_load(p_spec);
  if v_loaded.p_flow_id is null then
    perform private.raise_flow_unsound(v_loaded.p_violations);
  end if;
  perform private.publish_draft(v_loaded.p_flow_id);
  return (
    select jsonb_build_object('kind', f.kind, 'version', f.version)
    from private.flow_definitions as f
    where f.kind = p_spec ->> 'kind' and f.status = 'published'
  );
end;
$$;

-- RPC: operators publish a flow as the next version of its kind; returns `{kind, version}`.
create or replace function public.publish_flow(spec jsonb)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.publish_flow(spec);
$$;

revoke all on function private.publish_flow(jsonb)
from public, anon, authenticated, service_role;
grant execute on function private.publish_flow(jsonb) to authenticated, service_role;
revoke all on function public.publish_flow(jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.publish_flow(jsonb) to authenticated, service_role;
