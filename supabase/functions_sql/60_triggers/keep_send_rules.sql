-- Keeps private.send_rules, the typed copy of the settings that every send reads, in step with
-- private.settings.
--
-- Writes: send_rules.
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

-- Writes: send_rules.
create or replace function private.write_send_rules()
returns void
language sql
set search_path = ''
as $$
  insert into private.send_rules as r (
    quota_timezone, stranger_messages, send_step, send_ahead, long_step, long_ahead
  )
  select
    coalesce(private.get_setting('quota_timezone') #>> '{}', 'UTC'),
    case
      when private.get_setting('direct_blocked_during_deal') = 'true' then -1
      else private.get_number('stranger_messages')::bigint
    end,
    -- A limit that is switched off takes no time and is never met.
    coalesce(short.step, '0'), coalesce(short.step * (short.burst - 1), '1000 years'),
    coalesce(long.step, '0'), coalesce(long.step * (long.burst - 1), '1000 years')
  from private.read_limit(private.get_setting('rate_send')) as short
  cross join private.read_limit(private.get_setting('rate_send_long')) as long
  on conflict (is_only) do update set
    quota_timezone = excluded.quota_timezone, stranger_messages = excluded.stranger_messages,
    send_step = excluded.send_step, send_ahead = excluded.send_ahead,
    long_step = excluded.long_step, long_ahead = excluded.long_ahead;
$$;

create or replace trigger keep_send_rules
after insert or update or delete or truncate on private.settings
for each statement execute function private.keep_send_rules();

select private.write_send_rules();
