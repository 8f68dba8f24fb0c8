-- The calendar day in which free messages are counted now, in the zone of setting quota_timezone.
create or replace function private.quota_day()
returns date
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (now() at time zone (private.get_setting('quota_timezone') #>> '{}'))::date;
end;
$$;

revoke all on function private.quota_day() from public, anon, authenticated, service_role;
