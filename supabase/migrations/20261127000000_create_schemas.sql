-- Two schemas: `public` holds what clients may name, `private` holds the rules behind it.

create schema private;
comment on schema private is
  'Workers, per-user state and settings. Not exposed by the API; EXECUTE is granted one by one.';

-- The doors in public run as the caller and call their workers here; they need to see the schema.
grant usage on schema private to authenticated, service_role;

-- Functions made by this role from now on are nobody's until their file grants them.
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
