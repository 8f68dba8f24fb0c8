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
    -- Each of the two has an index; both at once would be read from the whole table.
    select jsonb_build_object(
      'received', (select count(*) from private.payment_events as e where e.status = 'received'),
      'parked', (select count(*) from private.payment_events as e where e.status = 'parked')
    )
  );
end;
$$;

revoke all on function private.count_events() from public, anon, authenticated, service_role;
