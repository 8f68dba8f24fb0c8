-- Does what is due for the caller; see private.clean_up.
--
-- Definer: clients have no write grant on any table.
-- Locks, writes: as private.clean_up.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.clean_up(private.require_user());
end;
$$;

-- RPC: cleans up at login; returns `{expired, scrubbed, deadlines_run, throttled}`.
create or replace function public.login_cleanup()
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.login_cleanup();
$$;

revoke all on function private.login_cleanup() from public, anon, authenticated, service_role;
grant execute on function private.login_cleanup() to authenticated;
revoke all on function public.login_cleanup() from public, anon, authenticated, service_role;
grant execute on function public.login_cleanup() to authenticated;
