-- Two schemas: clients call and read `public`; `private` has the rules behind it.

create schema private;
comment on schema private is
  'Workers, per-user state and settings. Not exposed by the API; EXECUTE is granted one by one.';

-- The doors in public run as the caller and call their workers here, so the caller needs usage.
grant usage on schema private to authenticated, service_role;

-- Nobody may execute a function that this role creates from now on, until its file grants it.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public
revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public
revoke all on functions from anon, authenticated, service_role;
alter default privileges in schema public
revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema private
revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema private
revoke all on functions from anon, authenticated, service_role;
alter default privileges in schema private
revoke all on sequences from anon, authenticated, service_role;
