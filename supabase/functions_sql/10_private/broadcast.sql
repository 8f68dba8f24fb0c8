-- Tells users about an event on their own topics (`user:<id>`) when the transaction commits.
--
-- Args: the event's name; who hears it, decided here and now; for each of them a payload, a JSON
-- object. One statement for all, where realtime.send would take one call each. Like realtime.send
-- it never fails its caller: an event is a hint, `sync` repairs what was not heard. What could not
-- be written is a warning in the log and one more in private.broadcast_failures.
create or replace function private.broadcast(
  p_event text,
  p_user_ids uuid[],
  p_payloads jsonb[]
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into realtime.messages (topic, extension, event, payload, private)
  select 'user:' || told.user_id, 'broadcast', p_event, told.payload, true
  from unnest(p_user_ids, p_payloads) as told (user_id, payload);
exception
  -- No partition for today, or the platform changed the table or its rights.
  when check_violation or not_null_violation or insufficient_privilege
    or undefined_table or undefined_column or invalid_schema_name then
    perform nextval('private.broadcast_failures');
    raise warning 'broadcast "%" was not written: % (%)', p_event, sqlerrm, sqlstate;
end;
$$;

revoke all on function private.broadcast(text, uuid[], jsonb[])
from public, anon, authenticated, service_role;
