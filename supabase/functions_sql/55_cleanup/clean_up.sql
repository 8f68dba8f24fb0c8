-- Does what is due for a user: takes the steps of deals whose time has come, flags messages that
-- have expired, empties those whose grace is over. A bounded batch at a time, at most once a
-- minute; needs no timer, since readers see what is so now anyway.
--
-- Returns `{expired, scrubbed, deadlines_run, throttled}`.
-- Locks: the user's account, then the user's conversations and messages that have something due;
-- rows that another session holds are passed over. Writes: accounts, messages, push_outbox,
-- action_results, and what private.run_due writes.
create or replace function private.clean_up(p_user_id uuid)
returns json
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_pause constant interval := interval '1 minute';
  v_account private.accounts;
  v_throttled boolean;
  v_expired integer := 0;
  v_scrubbed integer := 0;
  v_deadlines integer := 0;
begin
  v_account := private.lock_account(p_user_id);
  v_throttled := v_account.cleaned_at > now() - c_pause;
  if not v_throttled then
    v_deadlines := private.run_due(p_user_id, private.get_number('sweep_batch')::integer);
    v_expired := private.flag_expired(v_account);
    v_scrubbed := private.scrub_expired(p_user_id);
    perform private.drop_stale_pushes(p_user_id);
    perform private.drop_old_results(p_user_id);
    update private.accounts as a
    set cleaned_at = now(), last_seen_at = now()
    where a.user_id = p_user_id;
  end if;
  return json_build_object(
    'expired', v_expired, 'scrubbed', v_scrubbed, 'deadlines_run', v_deadlines,
    'throttled', v_throttled
  );
end;
$$;

revoke all on function private.clean_up(uuid) from public, anon, authenticated, service_role;
