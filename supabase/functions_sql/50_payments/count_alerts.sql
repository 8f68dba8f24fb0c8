-- Open alerts as `{info, warning, critical}`.
create or replace function private.count_alerts()
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_object_agg(kind.severity, (
      select count(*) from private.alerts as a
      where a.status = 'open' and a.severity = kind.severity
    ))
    from unnest(array['info', 'warning', 'critical']) as kind (severity)
  );
end;
$$;

revoke all on function private.count_alerts() from public, anon, authenticated, service_role;
