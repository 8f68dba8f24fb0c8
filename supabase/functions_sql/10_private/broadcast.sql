-- Sends events when the transaction commits. The caller chooses each event's topic, and so its
-- receivers.
--
-- Args, three arrays of one length: the event's name, its topic, its payload (a JSON object). One
-- statement writes all, where realtime.send would take a call each. Like realtime.send it never
-- fails its caller: an event may be lost, and `sync` returns its content.
-- Realtime counts every copy that it delivers, and drops events of a project that is over its
-- quota. docs/API.md has a table of the rows that each call writes, and a test counts them.
-- Writes: realtime.messages.
create or replace function private.broadcast(
  p_events text[],
  p_topics text[],
  p_payloads jsonb[]
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into realtime.messages (topic, extension, event, payload, private)
  select told.topic, 'broadcast', told.event, told.payload, true
  from unnest(p_events, p_topics, p_payloads) as told (event, topic, payload);
exception
  -- No partition for today, or the platform changed the table or its rights.
  when check_violation or not_null_violation or insufficient_privilege
    or undefined_table or undefined_column or invalid_schema_name then
    perform private.count_lost_broadcast(p_events, sqlerrm, sqlstate);
end;
$$;

-- Records that broadcasts could not be written: by a warning in the log and in the sequence
-- private.broadcast_failures.
create or replace function private.count_lost_broadcast(
  p_events text[],
  p_error text,
  p_sqlstate text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform nextval('private.broadcast_failures');
  raise warning 'broadcasts % were not written: % (%)', p_events, p_error, p_sqlstate;
end;
$$;

-- How many rows were broadcast in the last minute, for operators to compare with their plan; null
-- where the platform does not allow counting.
create or replace function private.count_broadcasts()
returns bigint
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select count(*)
    from realtime.messages as m
    where m.extension = 'broadcast' and m.private and m.inserted_at > now() - interval '1 minute'
  );
exception
  when insufficient_privilege or undefined_table or undefined_column then
    return null;
end;
$$;

-- Sessions that can still be listening, other than the caller's own. A token lives a week at most,
-- and a session that hears has a token: one that was not refreshed for eight days hears nothing.
-- If the caller's token names no session, every session counts: that costs an event and loses none.
create or replace view private.other_sessions as
select s.user_id
from auth.sessions as s
where s.id::text is distinct from (select auth.jwt() ->> 'session_id')
  and coalesce(s.refreshed_at at time zone 'utc', s.created_at) > now() - interval '8 days'
  and (s.not_after is null or s.not_after > now());

revoke all on private.other_sessions from public, anon, authenticated, service_role;
