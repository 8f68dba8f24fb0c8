-- Events that are not done with, as `{received, parked}`.
create or replace function private.count_events()
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'received', count(*) filter (where e.status = 'received'),
      'parked', count(*) filter (where e.status = 'parked')
    )
    from private.payment_events as e
    where e.status in ('received', 'parked')
  );
end;
$$;

revoke all on function private.count_events() from public, anon, authenticated, service_role;
