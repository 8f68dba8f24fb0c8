-- Schemas, their owners and who may use them.
--
-- Nothing in public is granted to the API roles by itself: since 2026-10-30 every grant on a
-- Supabase project is written out by the project.

do $$
begin
  execute format('alter database %I owner to postgres', current_database());
end
$$;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;

create schema auth authorization supabase_auth_admin;
create schema realtime authorization supabase_admin;
create schema storage authorization supabase_admin;
grant usage on schema storage to postgres with grant option;
grant usage on schema storage to anon, authenticated, service_role;
grant all on schema storage to supabase_storage_admin with grant option;
grant usage on schema realtime to postgres, anon, authenticated, service_role;
grant all on schema realtime to supabase_realtime_admin with grant option;

grant usage on schema public to postgres, anon, authenticated, service_role;
