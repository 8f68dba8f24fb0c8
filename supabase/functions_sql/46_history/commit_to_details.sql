-- What proves an event's details while its salt is kept, and tells nothing once that is deleted.
create or replace function private.commit_to_details(p_salt bytea, p_details jsonb)
returns bytea
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return sha256(p_salt || convert_to(p_details::text, 'utf8'));
end;
$$;

revoke all on function private.commit_to_details(bytea, jsonb)
from public, anon, authenticated, service_role;
