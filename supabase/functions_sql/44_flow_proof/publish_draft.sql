-- Makes a draft the flow of its kind: proved, with the next version, and the one before it retired.
-- A draft with the same rows as the flow in use is dropped, and nothing changes.
--
-- New conversations start on it; those that run keep theirs. Publishers of one kind follow each
-- other.
-- Locks: publishing of this kind (advisory). Writes: flow_definitions, flow_forms.
-- Errors: FLOW_UNSOUND (422) `{violations}`.
create or replace function private.publish_draft(p_flow_id bigint)
returns void
language plpgsql
security invoker
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
  perform private.keep_forms(p_flow_id);
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

revoke all on function private.publish_draft(bigint)
from public, anon, authenticated, service_role;
