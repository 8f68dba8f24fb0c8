-- Copies private.settings to private.rates and private.send_rules, the typed copies that sends and
-- actions read.
--
-- Writes: rates, send_rules.
create or replace function private.keep_send_rules()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.write_send_rules();
  return null;
end;
$$;

-- Without a value there is no limit.
--
-- Writes: rates, send_rules.
create or replace function private.write_send_rules()
returns void
language sql
set search_path = ''
as $$
  delete from private.rates as r
  where not exists (select from private.settings as s where s.key = 'rate_' || r.action);
  insert into private.rates as r (action, step, ahead)
  select
    substr(s.key, 6), coalesce(pace.step, '0'),
    coalesce(pace.step * ((s.value ->> 'burst')::float8 - 1), '1000 years')
  from private.settings as s
  cross join lateral (
    select coalesce(
      interval '1 second' / (s.value ->> 'per_second')::float8,
      interval '1 minute' / (s.value ->> 'per_minute')::float8,
      interval '1 day' / (s.value ->> 'per_day')::float8
    ) as step
  ) as pace
  where s.key like 'rate\_%'
  on conflict (action) do update set step = excluded.step, ahead = excluded.ahead;
  insert into private.send_rules as r (
    quota_timezone, stranger_messages, send_step, send_ahead, long_step, long_ahead
  )
  select
    coalesce(private.get_setting('quota_timezone') #>> '{}', 'UTC'),
    case
      when private.get_setting('direct_blocked_during_deal') = 'true' then -1
      else private.get_number('stranger_messages')::bigint
    end,
    coalesce(short.step, '0'), coalesce(short.ahead, '1000 years'),
    coalesce(long.step, '0'), coalesce(long.ahead, '1000 years')
  from (values ('send', 'send_long')) as sends (short, long)
  left join private.rates as short on short.action = sends.short
  left join private.rates as long on long.action = sends.long
  on conflict (is_only) do update set
    quota_timezone = excluded.quota_timezone, stranger_messages = excluded.stranger_messages,
    send_step = excluded.send_step, send_ahead = excluded.send_ahead,
    long_step = excluded.long_step, long_ahead = excluded.long_ahead;
$$;

create or replace trigger keep_send_rules
after insert or update or delete or truncate on private.settings
for each statement execute function private.keep_send_rules();

select private.write_send_rules();
