-- Tells topics about events when the transaction commits: `user:<id>` for what one user may know,
-- `conversation:<id>` for typing alone.
--
-- Args, in step: the name of each event, the topic, chosen here and now, and its payload, a JSON
-- object. One statement for all, where realtime.send would take one call each. Like
-- realtime.send it never fails its caller: an event is a hint, `sync` repairs what was not heard.
-- What could not be written is a warning in the log and one more in private.broadcast_failures.
-- Writes: realtime.messages.
create or replace function private.broadcast(
  p_events text[],
  p_topics text[],
  p_payloads jsonb[]
)
returns void
language plpgsql
security invoker
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
    perform nextval('private.broadcast_failures');
    raise warning 'broadcasts % were not written: % (%)', p_events, sqlerrm, sqlstate;
end;
$$;

revoke all on function private.broadcast(text[], text[], jsonb[])
from public, anon, authenticated, service_role;
