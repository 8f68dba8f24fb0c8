-- Takes the due steps of the caller's deals, flags expired messages, and empties those whose grace
-- is over; a limited batch, once a minute at most.
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
set search_path = ''
as $$
  select private.login_cleanup();
$$;

-- Cleans up for a user: takes the due steps of deals, flags expired messages, empties those whose
-- grace is over; a limited batch, once a minute at most. It needs no timer, because readers see the
-- current state without it.
--
-- Returns `{expired, scrubbed, deadlines_run, throttled}`.
-- Locks: the user's account, then the user's due conversations and messages; it skips rows that
-- another session has locked. Writes: accounts, messages, push_outbox, action_results, and as
-- private.run_due.
create or replace function private.clean_up(p_user_id uuid)
returns json
language plpgsql
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
    -- Pushes that were not sent within a day, for example without VAPID settings; it skips those
    -- that a sender has locked.
    delete from private.push_outbox as o
    where o.id in (
      select stale.id
      from private.push_tokens as t
      join private.push_outbox as stale on stale.push_token_id = t.id
      where t.user_id = p_user_id and stale.created_at < now() - interval '1 day'
      for update of stale skip locked
    );
    -- Stored answers to actions; a repeat after 30 days is not recognized.
    delete from private.action_results as r
    where r.user_id = p_user_id and r.created_at < now() - interval '30 days';
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

-- Flags a batch of a user's expired messages and returns how many.
--
-- The account stores up to when everything is flagged, so that a login without due messages reads
-- none. Rows that no other session may have locked are updated by their place, without a lock
-- first: that halves the writing. Other rows are locked first, or skipped. Plans are generic: with
-- the given places the planner would read a small table whole.
-- Args: the locked account.
-- Locks, writes: messages (it leaves those that another session has locked for the next time),
-- accounts (flagged_until).
create or replace function private.flag_expired(p_account private.accounts)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_me constant uuid := p_account.user_id;
  v_batch constant integer := private.get_number('cleanup_batch')::integer;
  v_rows tid[];
  v_held tid[];
  v_due integer;
  v_count integer;
begin
  select
    array_agg(due.ctid) filter (where due.xmax = '0'),
    array_agg(due.ctid) filter (where due.xmax <> '0'),
    count(*)
  into v_rows, v_held, v_due
  from (
    select mine.ctid, mine.xmax, mine.expires_at
    from public.messages as mine
    where mine.sender_id = v_me
      and mine.expires_at between p_account.flagged_until and now()
      and mine.scrubbed_at is null and not mine.is_expired
    union all
    select got.ctid, got.xmax, got.expires_at
    from public.messages as got
    where got.receiver_id = v_me
      and got.expires_at between p_account.flagged_until and now()
      and got.scrubbed_at is null and not got.is_expired
    order by expires_at
    limit v_batch
  ) as due;
  if v_held is not null then
    v_rows := v_rows || array(
      select m.ctid from public.messages as m
      where m.ctid = any (v_held)
      for no key update skip locked
    );
  end if;
  update public.messages as m
  set is_expired = true, updated_at = now()
  where m.ctid = any (v_rows) and not m.is_expired;
  get diagnostics v_count = row_count;

  update private.accounts as a
  set flagged_until = coalesce(
    -- For messages beyond the batch, and for skipped ones.
    case when v_due = v_batch or v_count < v_due then (
      select min(left_over.expires_at)
      from private.list_expired(v_me, p_account.flagged_until, now()) as left_over
      where not left_over.is_expired
    ) end,
    now()
  )
  where a.user_id = v_me;
  return v_count;
end;
$$;

-- Empties a batch of a user's messages whose grace is over, and returns how many.
--
-- The row and its number stay; its text, media and files are deleted. Messages under a legal hold
-- stay whole, and all do while setting expired_grace_days is null.
-- Locks, writes: messages.
create or replace function private.scrub_expired(p_user_id uuid)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_batch constant integer := private.get_number('cleanup_batch')::integer;
  v_grace constant interval :=
    private.get_number('expired_grace_days')::float8 * interval '1 day';
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from private.list_expired(p_user_id, '-infinity', now() - v_grace) as expired
    join public.messages as m
      on m.conversation_id = expired.conversation_id and m.seq = expired.seq
    where not exists (
      select from private.legal_holds as h where h.conversation_id = expired.conversation_id
    )
    order by expired.expires_at
    limit v_batch
    for update of m skip locked
  )
  update public.messages as m
  set
    message = '', media_url = null, attachments = null, is_expired = true, scrubbed_at = now(),
    updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

-- The same for all users' messages, also of deleted logins and of users who never come back.
--
-- Locks, writes: messages; it skips rows that another session has locked.
create or replace function private.scrub_everybodys(p_limit integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_grace constant interval :=
    private.get_number('expired_grace_days')::float8 * interval '1 day';
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from public.messages as m
    where m.expires_at <= now() - v_grace
      and m.scrubbed_at is null
      and not exists (
        select from private.legal_holds as h where h.conversation_id = m.conversation_id
      )
    order by m.expires_at
    limit p_limit
    for update of m skip locked
  )
  update public.messages as m
  set
    message = '', media_url = null, attachments = null, is_expired = true, scrubbed_at = now(),
    updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

-- A user's messages that expired in a span of time and still hold their content, sent or received.
--
-- Two index scans instead of one condition with "or", so that a span without such messages costs
-- nothing, even for a user with many messages.
create or replace function private.list_expired(
  p_user_id uuid,
  p_from timestamptz,
  p_until timestamptz
)
returns table (conversation_id uuid, seq bigint, expires_at timestamptz, is_expired boolean)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select m.conversation_id, m.seq, m.expires_at, m.is_expired
  from public.messages as m
  where m.sender_id = p_user_id
    and m.expires_at between p_from and p_until
    and m.scrubbed_at is null
  union all
  select m.conversation_id, m.seq, m.expires_at, m.is_expired
  from public.messages as m
  where m.receiver_id = p_user_id
    and m.expires_at between p_from and p_until
    and m.scrubbed_at is null;
end;
$$;

grant execute on function private.login_cleanup(), public.login_cleanup() to authenticated;
