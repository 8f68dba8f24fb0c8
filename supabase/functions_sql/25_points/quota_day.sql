-- The calendar day in which free messages are counted now, in the zone of setting quota_timezone.
create or replace function private.quota_day()
returns date
language sql
stable
security invoker
set search_path = ''
as $$
  select (now() at time zone (private.get_setting('quota_timezone') #>> '{}'))::date;
$$;

revoke all on function private.quota_day() from public, anon, authenticated, service_role;
