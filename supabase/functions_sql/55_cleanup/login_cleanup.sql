-- Does what is due for the caller: takes the steps of deals whose time has come, flags messages
-- that have expired, empties those whose grace is over. A bounded batch at a time, at most once a
-- minute; needs no timer, since readers see what is so now anyway.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, then the caller's conversations and messages that have something
-- due; rows that another session holds are passed over. Writes: accounts, messages, push_outbox,
-- action_results, and what private.run_deadlines writes.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pause constant interval := interval '1 minute';
  v_me constant uuid := private.require_user();
  v_account private.accounts;
  v_throttled boolean;
  v_expired integer := 0;
  v_scrubbed integer := 0;
  v_deadlines integer := 0;
begin
  v_account := private.lock_account(v_me);
  v_throttled := v_account.cleaned_at > now() - c_pause;
  if not v_throttled then
    v_deadlines := private.run_due(v_me, private.get_number('sweep_batch')::integer);
    v_expired := private.flag_expired(v_account);
    v_scrubbed := private.scrub_expired(v_me);
    perform private.drop_stale_pushes(v_me);
    perform private.drop_old_results(v_me);
    update private.accounts as a
    set cleaned_at = now(), last_seen_at = now()
    where a.user_id = v_me;
  end if;
  return json_build_object(
    'expired', v_expired, 'scrubbed', v_scrubbed, 'deadlines_run', v_deadlines,
    'throttled', v_throttled
  );
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
