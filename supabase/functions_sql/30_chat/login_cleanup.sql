-- What is due for the caller at login; so far nothing ever is, and the answer says so.
--
-- Definer: it will write what clients may not.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_user();
  return json_build_object('expired', 0, 'scrubbed', 0, 'deadlines_run', 0);
end;
$$;

-- RPC: cleans up at login; returns `{expired, scrubbed, deadlines_run}`.
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
