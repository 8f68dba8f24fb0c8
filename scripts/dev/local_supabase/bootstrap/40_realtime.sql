-- Supabase Realtime's objects: the table of broadcasts, the functions that write to it, and the
-- two publications that the server streams.
--
-- Source: supabase/realtime, lib/realtime/tenants/repo/migrations (behaviour, names and messages).

create table realtime.schema_migrations (
  version bigint primary key,
  inserted_at timestamp
);

create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  primary key (id, inserted_at)
) partition by range (inserted_at);

alter table realtime.messages
  add constraint messages_payload_exclusive
  check (payload is null or binary_payload is null) not valid;

create index messages_inserted_at_topic_index
  on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private;

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres, dashboard_user;

-- Keeps one partition a day, from yesterday to three days ahead, and drops what is older than
-- three days. The real server does this when it connects and every four hours.
create function realtime.maintain_message_partitions() returns void
language plpgsql
set search_path = ''
as $$
declare
  v_today constant date := (now() at time zone 'utc')::date;
  v_day date;
  v_old record;
begin
  -- Two servers that start at one moment take turns.
  perform pg_advisory_xact_lock(hashtextextended('realtime.messages partitions', 0));
  for v_day in select generate_series(v_today - 1, v_today + 3, interval '1 day')::date loop
    if to_regclass(format('realtime.%I', 'messages_' || to_char(v_day, 'YYYY_MM_DD'))) is null then
      execute format(
        'create table realtime.%1$I partition of realtime.messages for values from (%2$L) to (%3$L)',
        'messages_' || to_char(v_day, 'YYYY_MM_DD'), v_day, v_day + 1
      );
      execute format(
        'alter table realtime.%I owner to supabase_realtime_admin',
        'messages_' || to_char(v_day, 'YYYY_MM_DD')
      );
    end if;
  end loop;
  for v_old in
    select c.oid::regclass as name
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'realtime.messages'::regclass
      and c.relname ~ '^messages_\d{4}_\d\d_\d\d$'
      and to_date(right(c.relname, 10), 'YYYY_MM_DD') < v_today - 3
  loop
    execute format('drop table %s', v_old.name);
  end loop;
end
$$;

revoke execute on function realtime.maintain_message_partitions() from public;

-- Like the real ones, the functions below have no search_path of their own: policies that run
-- inside them see the caller's, and the planner can inline topic().
create function realtime.topic() returns text
language sql stable
as $$
  select nullif(current_setting('realtime.topic', true), '');
$$;

-- Whatever goes wrong becomes a warning: a broadcast never breaks its caller's transaction.
create function realtime.send(
  payload jsonb, event text, topic text, private boolean default true
) returns void
language plpgsql
as $$
declare
  v_id constant uuid := gen_random_uuid();
  v_payload jsonb := payload;
begin
  if not coalesce(payload ? 'id', false) then
    v_payload := jsonb_set(payload, '{id}', to_jsonb(v_id));
  end if;
  execute format('set local realtime.topic to %L', topic);
  insert into realtime.messages (id, topic, extension, event, payload, private)
  values (v_id, topic, 'broadcast', event, v_payload, private);
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

create function realtime.send_binary(
  payload bytea, event text, topic text, private boolean default true
) returns void
language plpgsql
as $$
begin
  execute format('set local realtime.topic to %L', topic);
  insert into realtime.messages (topic, extension, event, binary_payload, private)
  values (topic, 'broadcast', event, payload, private);
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

create function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text default 'ROW'
) returns void
language plpgsql
as $$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object(
      'schema', table_schema, 'table', table_name, 'operation', operation,
      'record', new, 'old_record', old
    ),
    event_name,
    topic_name
  );
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end
$$;

alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.schema_migrations owner to supabase_realtime_admin;
alter function realtime.topic() owner to supabase_realtime_admin;
alter function realtime.send(jsonb, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.send_binary(bytea, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.broadcast_changes(text, text, text, text, text, record, record, text)
  owner to supabase_realtime_admin;

select realtime.maintain_message_partitions();

-- A project adds its tables to the first one; the second one carries the broadcasts.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
create publication supabase_realtime_messages_publication for table realtime.messages;
