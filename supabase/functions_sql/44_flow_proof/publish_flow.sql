-- RPC: operators publish a flow as the next version of its kind; returns `{kind, version}`.
create or replace function public.publish_flow(spec jsonb)
returns jsonb
language sql
set search_path = ''
as $$
  select private.publish_flow(spec);
$$;

-- Publishes a flow as the next version of its kind; new conversations start on it. The flow that is
-- already in use changes nothing. Returns `{kind, version}` of the flow now in use.
--
-- Definer: clients may neither read nor write flows.
-- Locks: as publish_draft. Writes: as load_flow_draft and publish_draft.
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

-- Proves a draft and makes it the next version of its kind; the version before is retired. A draft
-- with the same rows as the flow in use is dropped.
--
-- New conversations start on it; running ones keep theirs. Publishers of one kind wait for each
-- other.
-- Locks: publishing of this kind (advisory). Writes: flow_definitions, flow_screens.
-- Errors: FLOW_UNSOUND (422) `{violations}`.
create or replace function private.publish_draft(p_flow_id bigint)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_kind text;
  v_violations jsonb;
begin
  select f.kind into strict v_kind
  from private.flow_definitions as f
  where f.id = p_flow_id and f.status = 'draft';
  perform pg_advisory_xact_lock(hashtextextended('publish_draft:' || v_kind, 0));

  if exists (
    select from private.flow_definitions as f
    where f.kind = v_kind and f.status = 'published'
      and private.flow_spec(f.id) = private.flow_spec(p_flow_id)
  ) then
    delete from private.flow_definitions as f where f.id = p_flow_id;
    return;
  end if;

  v_violations := private.prove_flow(p_flow_id) -> 'violations';
  if jsonb_array_length(v_violations) > 0 then
    perform private.raise_flow_unsound(v_violations);
  end if;
  perform private.keep_screens(p_flow_id);
  update private.flow_definitions as f
  set status = 'retired'
  where f.kind = v_kind and f.status = 'published';
  update private.flow_definitions as f
  set
    status = 'published',
    published_at = now(),
    version = 1 + coalesce(
      (select max(o.version) from private.flow_definitions as o where o.kind = v_kind), 0
    )
  where f.id = p_flow_id;
end;
$$;

-- Ends the call because a flow breaks a property of every flow.
--
-- Errors: FLOW_UNSOUND (422) `{violations}`.
create or replace function private.raise_flow_unsound(p_violations jsonb)
returns void
language plpgsql
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

grant execute on function public.publish_flow(jsonb) to authenticated, service_role;
grant execute on function private.publish_flow(jsonb) to authenticated, service_role;
