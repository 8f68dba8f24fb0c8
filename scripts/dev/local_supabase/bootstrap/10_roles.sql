-- The roles of a Supabase project with their real limits. Roles belong to the whole cluster, so
-- each is made only when missing.
--
-- Source: supabase/postgres, migrations/db/init-scripts/00000000000000-initial-schema.sql and the
-- role settings of a hosted project.

do $$
declare
  v_password constant text := 'postgres';
begin
  if not exists (select from pg_roles where rolname = 'postgres') then
    -- Not a superuser: what a migration may not do on Supabase, it may not do here.
    create role postgres login createdb createrole replication bypassrls inherit;
  end if;
  if not exists (select from pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role authenticator login noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'supabase_auth_admin') then
    create role supabase_auth_admin login noinherit createrole;
  end if;
  if not exists (select from pg_roles where rolname = 'supabase_storage_admin') then
    create role supabase_storage_admin login noinherit createrole;
  end if;
  if not exists (select from pg_roles where rolname = 'supabase_realtime_admin') then
    create role supabase_realtime_admin nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'dashboard_user') then
    create role dashboard_user nologin createdb createrole replication;
  end if;

  execute format('alter role postgres password %L', v_password);
  execute format('alter role authenticator password %L', v_password);
  execute format('alter role supabase_auth_admin password %L', v_password);
  execute format('alter role supabase_storage_admin password %L', v_password);
end
$$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant authenticator to supabase_storage_admin;
-- Hosted, the extension supautils lets postgres make policies on realtime.messages and on the tables
-- of storage; membership in the owner's role does the same here.
grant supabase_realtime_admin, supabase_storage_admin to postgres;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = '"$user"', 'public', 'extensions';
alter role supabase_auth_admin set search_path = 'auth';
alter role supabase_storage_admin set search_path = 'storage';
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
