-- Charges one action to a rate limit: the new due time of the limit, if the action fits now.
--
-- The limit is a token bucket kept as one timestamp (the "generic cell rate algorithm", ITU-T
-- I.371): each action moves the due time on by one interval; it fits while the due time is less
-- than a whole burst ahead of now.
-- Args: the due time so far; the limit, a setting `{"per_second" | "per_minute" | "per_day":
-- number, "burst": number}`, or JSON null: no limit.
-- Errors: RATE_LIMITED (429) `{retry_after}` in whole seconds, with the
-- header Retry-After.
create or replace function private.next_due(p_due_at timestamptz, p_limit jsonb)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_interval constant interval := coalesce(
    interval '1 second' / (p_limit ->> 'per_second')::float8,
    interval '1 minute' / (p_limit ->> 'per_minute')::float8,
    interval '1 day' / (p_limit ->> 'per_day')::float8
  );
  v_due_at constant timestamptz := greatest(p_due_at, now()) + v_interval;
  v_over constant interval := v_due_at - now() - v_interval * (p_limit ->> 'burst')::float8;
  v_retry_after constant integer := ceil(extract(epoch from v_over));
begin
  if v_interval is null then
    return p_due_at;  -- the limit is switched off
  end if;
  if v_over > interval '0' then
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

revoke all on function private.next_due(timestamptz, jsonb)
from public, anon, authenticated, service_role;
