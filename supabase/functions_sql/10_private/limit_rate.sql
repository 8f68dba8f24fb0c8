-- Charges one action of a user to the rate limit of that name (setting `rate_<action>`).
--
-- Sends have columns of their own in the account's row; see private.send_message.
-- Locks, writes: the limit's row of rate_limits. Errors: RATE_LIMITED (429) `{retry_after}`.
create or replace function private.limit_rate(p_user_id uuid, p_action text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_limit constant jsonb := private.get_setting('rate_' || p_action);
begin
  update private.rate_limits as r
  set due_at = private.next_due(r.due_at, v_limit)
  where r.user_id = p_user_id and r.action = p_action;
  if not found then
    insert into private.rate_limits as r (user_id, action, due_at)
    values (p_user_id, p_action, private.next_due('-infinity', v_limit))
    on conflict (user_id, action) do update set due_at = private.next_due(r.due_at, v_limit);
  end if;
end;
$$;

-- Charges one action to a rate limit: the new due time of the limit, if the action fits now.
--
-- The limit is a token bucket kept as one timestamp (the "generic cell rate algorithm", ITU-T
-- I.371): each action moves the due time on by one interval; it fits while the due time is less
-- than a whole burst ahead of now.
-- Args: the due time so far; the limit, a setting `{"per_second" | "per_minute" | "per_day":
-- number, "burst": number}`, or JSON null: no limit.
-- Errors: RATE_LIMITED (429) `{retry_after}` in whole seconds, with the header Retry-After.
create or replace function private.next_due(p_due_at timestamptz, p_limit jsonb)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_pace record;
  v_due_at timestamptz;
  v_over interval;
  v_retry_after integer;
begin
  v_pace := private.read_limit(p_limit);
  if v_pace.step is null then
    return p_due_at;  -- the limit is switched off
  end if;
  v_due_at := greatest(p_due_at, now()) + v_pace.step;
  v_over := v_due_at - now() - v_pace.step * v_pace.burst;
  if v_over > interval '0' then
    v_retry_after := ceil(extract(epoch from v_over));
    perform private.raise_error(
      'RATE_LIMITED', 'This is faster than allowed.',
      jsonb_build_object('retry_after', v_retry_after), p_status => 429,
      p_hint => format('Try again in %s s.', v_retry_after),
      p_headers => jsonb_build_object('Retry-After', v_retry_after::text)
    );
  end if;
  return v_due_at;
end;
$$;

-- A setting's limit as numbers: the time that one action takes, and how many may come at once.
create or replace function private.read_limit(p_limit jsonb, out step interval, out burst float8)
returns record
language plpgsql
immutable
set search_path = ''
as $$
begin
  step := coalesce(
    interval '1 second' / (p_limit ->> 'per_second')::float8,
    interval '1 minute' / (p_limit ->> 'per_minute')::float8,
    interval '1 day' / (p_limit ->> 'per_day')::float8
  );
  burst := (p_limit ->> 'burst')::float8;
end;
$$;
