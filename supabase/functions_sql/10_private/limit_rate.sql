-- Charges one action of a user to its limit in private.rates.
--
-- Limits of sends are columns of the account; see private.send_message.
-- Locks, writes: the limit's row of rate_limits. Errors: RATE_LIMITED (429) `{retry_after}`.
create or replace function private.limit_rate(p_user_id uuid, p_action text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.rate_limits as r
  set due_at = greatest(r.due_at, now()) + l.step
  from private.rates as l
  where r.user_id = p_user_id and r.action = p_action and l.action = p_action
    and r.due_at <= now() + l.ahead;
  if not found then
    -- The first of this user, or one too many.
    insert into private.rate_limits as r (user_id, action, due_at)
    values (p_user_id, p_action, private.next_due('-infinity', p_action))
    on conflict (user_id, action) do update set due_at = private.next_due(r.due_at, p_action);
  end if;
end;
$$;

-- Charges one action to a rate limit: the new due time of the limit, if the action fits now.
--
-- The limit is a token bucket kept as one timestamp (the "generic cell rate algorithm", ITU-T
-- I.371): each action moves the due time on by one step; it fits while the due time is less
-- than a whole burst ahead of now.
-- Args: the due time so far; the action, as in private.rates (without a row there: no limit).
-- Errors: RATE_LIMITED (429) `{retry_after}` in whole seconds, with the header Retry-After.
create or replace function private.next_due(p_due_at timestamptz, p_action text)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rate private.rates;
  v_over interval;
  v_retry_after integer;
begin
  select l.* into v_rate from private.rates as l where l.action = p_action;
  v_over := greatest(p_due_at, now()) - now() - v_rate.ahead;
  if v_over > interval '0' then
    v_retry_after := ceil(extract(epoch from v_over));
    perform private.raise_error(
      'RATE_LIMITED', 'This is faster than allowed.',
      jsonb_build_object('retry_after', v_retry_after), p_status => 429,
      p_hint => format('Try again in %s s.', v_retry_after),
      p_headers => jsonb_build_object('Retry-After', v_retry_after::text)
    );
  end if;
  return greatest(p_due_at, now()) + coalesce(v_rate.step, '0');
end;
$$;
