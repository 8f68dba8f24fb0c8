-- Add chat: built from supabase/functions_sql by scripts/build_migrations.py.

-- A function may call one that is created further down.
set check_function_bodies = off;

-- source: 10_private/broadcast.sql sha256:933b77b1169c2e3bc029382d2b650e246b72aa63ed2ec5b710a7c5fa8d40f4e4
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

-- source: 10_private/check_known.sql sha256:014abb2d389beae91689f67e199bab0896d6fe3434be9aebd8b8aebd4810c70e
-- Refuses what is not an object of conversation ids and message numbers.
--
-- Errors: INPUT_INVALID (422) `{field: "known", rule: "object" or "ids_and_seqs"}`.
create or replace function private.check_known(p_known jsonb)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_count constant text := '^[0-9]{1,18}$';
  c_uuid constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  if exists (
    select from jsonb_each(p_known) as k (id, value)
    where k.id !~ c_uuid
      or not case jsonb_typeof(k.value)
        when 'number' then k.value::text ~ c_count
        when 'object' then (k.value - array['seq', 'version']) = '{}'
          and coalesce((k.value -> 'seq')::text ~ c_count, false)
          and coalesce((k.value -> 'version')::text ~ c_count, true)
        else false
      end
  ) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs',
      'Each key is a conversation id, each value its last seq or {seq, version}.'
    );
  end if;
end;
$$;

revoke all on function private.check_known(jsonb) from public, anon, authenticated, service_role;

-- source: 10_private/check_media_url.sql sha256:6c0c45bd93703da6c3d77ef098d7724ca2a8933ca3f963f8fc4d9fd7bbb47edb
-- Refuses a media URL that a client should not be made to load, or whose host is not allowed here.
--
-- Errors: MEDIA_INVALID (422) `{rule}`: a rule of find_url_fault, or host_not_allowed by the
-- setting media_hosts.
create or replace function private.check_media_url(p_url text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_rule text := private.find_url_fault(p_url);
begin
  if v_rule is null
    and not private.is_media_host_allowed(
      regexp_replace(private.url_authority(p_url), ':443$', '')
    ) then
    v_rule := 'host_not_allowed';
  end if;
  if v_rule is not null then
    perform private.raise_error(
      'MEDIA_INVALID', 'This media address cannot be sent.',
      jsonb_build_object('rule', v_rule), p_status => 422,
      p_hint => 'Send an https address of a public host, without a port or a password in it.'
    );
  end if;
end;
$$;

revoke all on function private.check_media_url(text) from public, anon, authenticated, service_role;

-- source: 10_private/check_text.sql sha256:fb22a1e3d5d951e48a46fd0830dc95ceb279cdc61608730994f4cfde12bbe31b
-- Refuses control characters other than tab and line feed: they have no honest use in a text.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "control_characters"}`.
create or replace function private.check_text(p_text text, p_field text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if p_text ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]' then
    perform private.raise_input_invalid(
      p_field, 'control_characters', 'The text holds control characters: remove them.'
    );
  end if;
end;
$$;

revoke all on function private.check_text(text, text)
from public, anon, authenticated, service_role;

-- source: 10_private/clamp_page_size.sql sha256:b8c0b827f3e225fe98144e85af22bbe674d1b8033df790cbd110d83738161ec6
-- How many rows a page has: what was asked, the default when nothing was, at least 1, at most max.
create or replace function private.clamp_page_size(
  p_page_size integer,
  p_default integer,
  p_max integer
)
returns integer
language sql
immutable
security invoker
set search_path = ''
as $$
  select greatest(1, least(coalesce(p_page_size, p_default), p_max));
$$;

revoke all on function private.clamp_page_size(integer, integer, integer)
from public, anon, authenticated, service_role;

-- source: 10_private/clean_text.sql sha256:46be79b98f40adc432a4019774c6c47ba55e06e196fdbaa2dd0fb7a34810dc74
-- A text as it will be stored: NFC, line ends as \n, without invisible direction controls, trimmed.
--
-- Direction controls (U+202A-202E, U+2066-2069) are dropped because phones put them around names
-- and numbers that people paste, and because they can turn a text into another one on screen
-- (Unicode TR 36, "bidirectional text spoofing").
create or replace function private.clean_text(p_text text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- What looks like nothing at either end, also in other scripts' typesetting.
  c_space constant text := e' \n\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007'
    '\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';
  v_text text := replace(replace(p_text, e'\r\n', e'\n'), e'\r', e'\n');
begin
  v_text := regexp_replace(v_text, '[\u202a-\u202e\u2066-\u2069]', '', 'g');
  return btrim(normalize(v_text, nfc), c_space);
end;
$$;

revoke all on function private.clean_text(text) from public, anon, authenticated, service_role;

-- source: 10_private/find_url_fault.sql sha256:f3229006d62d0a9a97820c60f0cb8b7b0fda73c4caf35f8e6241d1818bc73e0f
-- The rule that a URL breaks which a client should not be made to load, or null.
--
-- Allowed: https in plain ASCII (RFC 3986), a DNS name (no IP address, no local name), no
-- credentials, port 443, at most 2,048 characters. Rules: length, characters, scheme, credentials,
-- port, host.
create or replace function private.find_url_fault(p_url text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_authority constant text := private.url_authority(p_url);
  v_host constant text := regexp_replace(v_authority, ':[0-9]*$', '');
  v_port constant text := substring(v_authority from ':([0-9]*)$');
begin
  return case
    when char_length(p_url) > 2048 then 'length'
    when p_url ~ '[^!-~]|[<>"\\^`{|}]' then 'characters'
    when v_authority is null then 'scheme'
    when position('@' in v_authority) > 0 then 'credentials'
    when coalesce(v_port, '443') <> '443' then 'port'
    -- The last label starts with a letter, which no spelling of an IPv4 address does.
    when v_host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'
      or char_length(v_host) > 253
      or v_host ~ '\.(localhost|local|internal|arpa|invalid|test)$' then 'host'
  end;
end;
$$;

revoke all on function private.find_url_fault(text) from public, anon, authenticated, service_role;

-- source: 10_private/get_number.sql sha256:269de418155a065f72e94acefc84b2a0bb002e3a6f4e5410f923df58867a1398
-- The value of an operator's setting that is a number; null when it is switched off.
create or replace function private.get_number(p_key text)
returns numeric
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (select (s.value #>> '{}')::numeric from private.settings as s where s.key = p_key);
end;
$$;

revoke all on function private.get_number(text) from public, anon, authenticated, service_role;

-- source: 10_private/get_setting.sql sha256:6d63f2002d4814bc9916a2eb911897f2324d0148c03ef62b14e3b635bff69d83
-- The value of an operator's setting; JSON null when it is switched off.
create or replace function private.get_setting(p_key text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (select s.value from private.settings as s where s.key = p_key);
end;
$$;

revoke all on function private.get_setting(text) from public, anon, authenticated, service_role;

-- source: 10_private/is_blank.sql sha256:cf622153307b0898e569b343e05928c74d6f595936c6505faabd49ad97d6bde5
-- Whether a text shows nothing: empty, or made only of white space, joiners, selectors and other
-- characters without a picture of their own.
--
-- The ranges: white space; Unicode's general category Cf (format) and the fillers and selectors
-- of its Default_Ignorable_Code_Point; the empty Braille pattern.
create or replace function private.is_blank(p_text text)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return p_text !~ (
    '[^[:space:]\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f'
    '\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0'
    '\U000e0000-\U000e0fff]'
  );
end;
$$;

revoke all on function private.is_blank(text) from public, anon, authenticated, service_role;

-- source: 10_private/is_blocked.sql sha256:e05311344e5d3d57c199c49dd711e76025b4ec8ef9acb77825789d906978d302
-- Whether one of the two users blocks the other, in either direction.
create or replace function private.is_blocked(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from public.blocks as b where b.blocker_id = p_user_id and b.blocked_id = p_other_id
  ) or exists (
    select from public.blocks as b where b.blocker_id = p_other_id and b.blocked_id = p_user_id
  );
end;
$$;

revoke all on function private.is_blocked(uuid, uuid)
from public, anon, authenticated, service_role;

-- source: 10_private/is_blocked_in.sql sha256:e77543b84be00156f06d317ea72e71ee97e7be60c577e88f4133b368654c9376
-- Whether one of the two members of a conversation blocks the other.
create or replace function private.is_blocked_in(p_conversation_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from public.conversations as c
    where c.id = p_conversation_id and private.is_blocked(c.user_a, c.user_b)
  );
$$;

revoke all on function private.is_blocked_in(uuid)
from public, anon, authenticated, service_role;

-- source: 10_private/is_media_host_allowed.sql sha256:292af95edd26cf27afe0c40311ad7d3984afd4a1166350a28d7e102f4b254115
-- Whether the setting media_hosts lets clients name this host (lower case).
create or replace function private.is_media_host_allowed(p_host text)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select case jsonb_typeof(private.get_setting('media_hosts'))
    when 'array' then exists (
      select from jsonb_array_elements_text(private.get_setting('media_hosts')) as allowed (host)
      where p_host = allowed.host
        or (allowed.host like '*.%' and right(p_host, length(allowed.host) - 1)
          = substr(allowed.host, 2))
    )
    else true
  end;
$$;

revoke all on function private.is_media_host_allowed(text)
from public, anon, authenticated, service_role;

-- source: 10_private/is_my_conversation.sql sha256:f96614cc0dd3f150f61502c2e0d0a0d3c2c90ed9b665d1fafa9899c887114ec4
-- Whether the caller is a member of the conversation.
create or replace function private.is_my_conversation(p_conversation_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from private.participants as p
    where p.conversation_id = p_conversation_id and p.user_id = (select auth.uid())
  );
end;
$$;

revoke all on function private.is_my_conversation(uuid)
from public, anon, authenticated, service_role;

-- source: 10_private/is_my_topic.sql sha256:886a2830034c6f3adb1fc68d250907373f1a3b7664d41f59e3e95a104899a690
-- Whether a Realtime topic is the caller's: for hearing it, or also for speaking on it.
--
-- `user:<uid>` is heard by that user and spoken on by nobody; `conversation:<id>` is both for its
-- members, and carries typing and presence only; nobody speaks there across a block.
-- Definer: policies on realtime.messages run as the caller, who may not read participants.
create or replace function private.is_my_topic(p_topic text, p_speak boolean)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  c_uuid constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  v_kind constant text := split_part(p_topic, ':', 1);
  v_id constant text := substr(p_topic, length(v_kind) + 2);
begin
  if v_id !~ c_uuid then
    return false;
  end if;
  return case v_kind
    when 'user' then not p_speak and v_id::uuid = auth.uid()
    when 'conversation' then private.is_my_conversation(v_id::uuid)
      and not (p_speak and private.is_blocked_in(v_id::uuid))
    else false
  end;
end;
$$;

revoke all on function private.is_my_topic(text, boolean)
from public, anon, authenticated, service_role;
grant execute on function private.is_my_topic(text, boolean) to authenticated;

-- source: 10_private/limit_rate.sql sha256:c2c2386c5679f28a64190468d54a03f3b284e00da591e0686bc88227e6108b43
-- Charges one action of a user to the rate limit of that name (setting `rate_<action>`).
--
-- Sends have columns of their own in the account's row; see private.charge_send.
-- Locks, writes: the limit's row of rate_limits. Errors: RATE_LIMITED (429) `{retry_after}`.
create or replace function private.limit_rate(p_user_id uuid, p_action text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_limit constant jsonb := private.get_setting('rate_' || p_action);
begin
  insert into private.rate_limits as r (user_id, action, due_at)
  values (p_user_id, p_action, private.next_due('-infinity', v_limit))
  on conflict (user_id, action) do update set due_at = private.next_due(r.due_at, v_limit);
end;
$$;

revoke all on function private.limit_rate(uuid, text)
from public, anon, authenticated, service_role;

-- source: 10_private/list_my_conversation_ids.sql sha256:32ce658bbe72e296ee4e405221ba756b3ffe05edaf7309db8b209a101ab1f017
-- The ids of the caller's conversations, for policies.
--
-- Definer: a policy that read private.participants as the caller would need a grant on it.
-- Policies call it as `any((select private.list_my_conversation_ids())::uuid[])`: computed once a
-- statement and used as an index condition, not once a row.
create or replace function private.list_my_conversation_ids()
returns uuid[]
language sql
stable
security definer
set search_path = ''
as $$
  select array(
    select p.conversation_id
    from private.participants as p
    where p.user_id = (select auth.uid())
  );
$$;

revoke all on function private.list_my_conversation_ids()
from public, anon, authenticated, service_role;
grant execute on function private.list_my_conversation_ids() to authenticated;

-- source: 10_private/next_due.sql sha256:51db283fa2679fd8aa65b8583e3ef232c1654e60e7eb5c70b47e849b34d75ce9
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

-- source: 10_private/raise_conversation_not_found.sql sha256:7ab75175ec74bdc87c0eced837ea570feb57b3d4da184b38e7dcaa5c67a210bc
-- Ends the call with the one answer for a conversation that does not exist or is not the caller's.
--
-- Errors: CONVERSATION_NOT_FOUND (404).
create or replace function private.raise_conversation_not_found()
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'CONVERSATION_NOT_FOUND', 'There is no such conversation among yours.', p_status => 404,
    p_hint => 'Call get_conversations to see yours.'
  );
end;
$$;

revoke all on function private.raise_conversation_not_found()
from public, anon, authenticated, service_role;

-- source: 10_private/raise_error.sql sha256:0db22d2a6c7c39d1a6d15a32b8fbdf8c6ab490d8d8884bbd80250ec786c70a8b
-- Ends the call with an error that PostgREST turns into the HTTP answer
-- `status {"code", "message", "details", "hint"}`; `details` is the JSON text of an object.
--
-- Args: code of docs/ERRORS.md; a sentence for people; details; HTTP status; what to do next;
-- response headers. Never pass a client's text as p_code or in p_headers.
-- Source of the convention: postgrest.org, "Raise errors with HTTP status codes" (SQLSTATE PGRST).
-- Errors: always, with SQLSTATE PGRST.
create or replace function private.raise_error(
  p_code text,
  p_message text,
  p_details jsonb default '{}',
  p_status integer default 400,
  p_hint text default null,
  p_headers jsonb default '{}'
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  raise sqlstate 'PGRST' using
    message = jsonb_build_object(
      'code', p_code, 'message', p_message, 'details', p_details::text, 'hint', p_hint
    )::text,
    detail = jsonb_build_object('status', p_status, 'headers', p_headers)::text;
end;
$$;

revoke all on function private.raise_error(text, text, jsonb, integer, text, jsonb)
from public, anon, authenticated, service_role;

-- source: 10_private/raise_input_invalid.sql sha256:64b957907b80603d7fa5d5157308ef2ddb8cc0d0e65c2d907dc8cc9b4a1ad0b3
-- Ends the call because an argument breaks a rule of its own.
--
-- Args: the argument's name; the rule's name, stable for clients; a sentence for people.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.raise_input_invalid(p_field text, p_rule text, p_message text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'INPUT_INVALID', p_message,
    jsonb_build_object('field', p_field, 'rule', p_rule), p_status => 422
  );
end;
$$;

revoke all on function private.raise_input_invalid(text, text, text)
from public, anon, authenticated, service_role;

-- source: 10_private/raise_login_gone.sql sha256:3af2ef21ec307235363d924a51390298fafaa4069b23ea7f9d0d57a0bb08530b
-- Ends the call because the login was deleted, though its token still lives.
--
-- Errors: AUTH_REQUIRED (401).
create or replace function private.raise_login_gone()
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'AUTH_REQUIRED', 'This login is gone.', p_status => 401,
    p_hint => 'Sign up, or sign in to another login.'
  );
end;
$$;

revoke all on function private.raise_login_gone()
from public, anon, authenticated, service_role;

-- source: 10_private/require_operator.sql sha256:56ba1567ecdcf97ed5c3c6d24131c51fcf10cf8b19b7652e485860cd65336e6d
-- Lets through the service role, and users that private.admins lists.
--
-- Errors: FORBIDDEN (403).
create or replace function private.require_operator()
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_me constant uuid := auth.uid();
begin
  -- The role of the request, not of this definer's owner; PostgREST sets it from the token.
  if auth.role() = 'service_role' then
    return;
  end if;
  if not exists (select from private.admins as a where a.user_id = v_me) then
    perform private.raise_error(
      'FORBIDDEN', 'This is for operators.', p_status => 403
    );
  end if;
end;
$$;

revoke all on function private.require_operator() from public, anon, authenticated, service_role;

-- source: 10_private/require_user.sql sha256:2c7d352611863139c03f6c18adf2dc33b6c78668d195135957fe237eac0321bc
-- The caller's id, from the token that PostgREST has checked.
--
-- Errors: AUTH_REQUIRED (401) when the token names no user, or one whose login was deleted while
-- the token still lives.
create or replace function private.require_user()
returns uuid
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_user_id constant uuid := auth.uid();
begin
  if v_user_id is null then
    perform private.raise_error(
      'AUTH_REQUIRED', 'Sign in first.', p_status => 401,
      p_hint => 'Send the access token of a signed-in user.'
    );
  end if;
  if not exists (select from private.accounts as a where a.user_id = v_user_id)
    and not exists (select from auth.users as u where u.id = v_user_id) then
    perform private.raise_login_gone();
  end if;
  return v_user_id;
end;
$$;

revoke all on function private.require_user() from public, anon, authenticated, service_role;

-- source: 10_private/shares_read_receipts.sql sha256:477ec8cf82de23924bd6afda0c47ada1b6f0fa2a45b8bb1667bd1b4399b3208e
-- Whether two users let each other see what they have read: both share it and neither blocks the
-- other.
create or replace function private.shares_read_receipts(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return not exists (
    select from private.accounts as a
    where a.user_id in (p_user_id, p_other_id) and not a.shares_read_receipts
  )
  and not private.is_blocked(p_user_id, p_other_id);
end;
$$;

revoke all on function private.shares_read_receipts(uuid, uuid)
from public, anon, authenticated, service_role;

-- source: 10_private/url_authority.sql sha256:cae4651c2d2996d4a349a3767d36aced19c00da1f1c9c1e9bcdc332ab958d6c2
-- What stands between `https://` and the path of a URL, in lower case; null for another scheme.
create or replace function private.url_authority(p_url text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select lower(substring(p_url from '^[Hh][Tt][Tt][Pp][Ss]://([^/?#]*)'));
$$;

revoke all on function private.url_authority(text) from public, anon, authenticated, service_role;

-- source: 10_private/visible_messages.sql sha256:99057adb8df17440556f12d439b046bc745a00d5cd0f23d883b68d73d0aea708
-- The messages that are for the caller and have not expired; membership is its readers' business.
--
-- The one place of that rule for the RPCs; the policy of public.messages repeats it for direct
-- reads, and a test compares the two. Runs with its owner's rights; nobody else has a grant on it.
create or replace view private.visible_messages as
select m.*
from public.messages as m
where (m.visible_to = 'all' or (select auth.uid()) in (m.sender_id, m.receiver_id))
  and (m.expires_at is null or m.expires_at > now());

revoke all on private.visible_messages from public, anon, authenticated, service_role;

-- source: 15_views/my_conversations.sql sha256:53dd6a39296e9fe9b009395e7e4614d208af41b444c72af672c8f045aa2dbcda
-- Every conversation of the caller, as the caller sees it now, in the shape that clients get
-- ("context").
--
-- version is that of private.conversation_versions. Across a block neither what the other side has
-- read nor when it was here is shown. Runs with its owner's rights; nobody else has a grant on it.
create or replace view private.my_conversations as
select
  c.id as conversation_id,
  c.kind,
  c.chat_status,
  c.flow_state,
  c.awaiting_role,
  coalesce(c.awaiting_role, 'none') as waiting_on,
  c.automation_enabled,
  me.role as my_role,
  c.current_action_data,
  c.flow_data,
  round(c.amount_minor / 100.0, 2) as price,
  c.amount_minor,
  c.currency,
  c.work_status,
  c.deadline_at,
  c.version + c.last_seq + me.version + other.shared_version + coalesce(
    (
      select extract(epoch from max(m.expires_at)) * 1000000
      from public.messages as m
      where m.conversation_id = c.id and m.expires_at <= now()
    ),
    0
  )::bigint as version,
  c.last_seq,
  me.read_seq,
  case
    when pair.is_blocked or not mine.shares_read_receipts or not a.shares_read_receipts then 0
    else other.read_seq
  end as other_read_seq,
  other.delivered_seq as other_delivered_seq,
  case
    when c.last_seq = me.read_seq then 0
    else (
      select count(*)
      from private.visible_messages as m
      where m.conversation_id = c.id and m.seq > me.read_seq and m.sender_id <> me.user_id
    )
  end as unread_count,
  (
    select json_build_object(
      'id', m.id, 'seq', m.seq, 'sender_id', m.sender_id, 'message_type', m.message_type,
      'message', left(m.message, 200), 'media_url', m.media_url, 'expires_at', m.expires_at,
      'created_at', m.created_at
    )
    from private.visible_messages as m
    where m.conversation_id = c.id
    order by m.seq desc
    limit 1
  ) as last_message,
  json_build_object(
    'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', u.role,
    'last_seen_at', case when a.shares_last_seen and not pair.is_blocked then a.last_seen_at end
  ) as other_party,
  coalesce(me.archived_seq = c.last_seq, false) as archived,
  me.pinned_at is not null as pinned,
  me.muted_until,
  c.chat_status = 'real_time' and not pair.is_blocked as free_text_allowed,
  c.created_at,
  c.updated_at,
  now() as server_now,
  coalesce(other.typing_until > now(), false) as other_typing
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
join public.conversations as c on c.id = me.conversation_id
join public.users as u on u.id = other.user_id
left join private.accounts as a on a.user_id = other.user_id
left join private.accounts as mine on mine.user_id = me.user_id
cross join lateral (
  -- As private.is_blocked, and other_read_seq as private.shares_read_receipts: written out because
  -- a list asks for them row by row. tests/safety/test_read_marks_agree.py compares them.
  select exists (
    select from public.blocks as b
    where (b.blocker_id, b.blocked_id) in (
      (me.user_id, other.user_id), (other.user_id, me.user_id)
    )
  ) as is_blocked
  offset 0  -- once a row, not once a mention
) as pair
where me.user_id = (select auth.uid());

revoke all on private.my_conversations from public, anon, authenticated, service_role;

-- source: 15_views/my_messages.sql sha256:665fecf1113a042da8ca1182e37245b618e40ab457fb5302016cc37ffda8eaec
-- Every message that the caller may read now, in the shape that clients get.
--
-- seen, read_at and status come from the watermarks of whoever reads the message: the other
-- member for what the caller sent, the caller for everything else. read_at is the time of that
-- reader's newest mark. Runs with its owner's rights; nobody else has a grant on it.
create or replace view private.my_messages as
select
  m.id,
  m.conversation_id,
  m.seq,
  m.sender_id,
  m.receiver_id,
  m.message,
  m.media_url,
  m.message_type,
  m.visible_to,
  m.action_required,
  m.action_data,
  m.action_completed,
  m.is_automated,
  m.reply_to,
  m.client_message_id,
  m.expires_at,
  m.seq <= reader.read_seq as seen,
  m.seq <= reader.read_seq as is_read,
  case when m.seq <= reader.read_seq then reader.read_at end as read_at,
  case
    when m.seq <= reader.read_seq then 'read'
    when m.seq <= reader.delivered_seq then 'delivered'
    else 'sent'
  end as status,
  m.created_at
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
join private.visible_messages as m on m.conversation_id = me.conversation_id
cross join private.shares_read_receipts(me.user_id, other.user_id) as shares (read_receipts)
cross join lateral (
  select
    case
      when m.sender_id <> me.user_id then me.read_seq
      when shares.read_receipts then other.read_seq
      else 0
    end as read_seq,
    case when m.sender_id = me.user_id then other.read_at else me.read_at end as read_at,
    case
      when m.sender_id = me.user_id then other.delivered_seq
      else me.delivered_seq
    end as delivered_seq
) as reader
where me.user_id = (select auth.uid());

revoke all on private.my_messages from public, anon, authenticated, service_role;

-- source: 20_accounts/complete_profile.sql sha256:d862c710280ea8226896414f05c31860a750a5d04e188671dc4b058fe159e106
-- Gives the caller a role and a name; a second call may change everything but the role.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: users, accounts, participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422), MEDIA_INVALID (422), PROFILE_LOCKED (409).
create or replace function private.complete_profile(
  p_role text,
  p_display_name text,
  p_avatar_url text,
  p_phone text
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_name constant text := private.clean_text(p_display_name);
  v_avatar_url constant text := nullif(p_avatar_url, '');
  v_phone constant text := nullif(regexp_replace(p_phone, '[ ().-]', '', 'g'), '');
  v_user public.users;
begin
  if p_role is null or p_role not in ('influencer', 'brand_owner') then
    perform private.raise_input_invalid(
      'role', 'one_of', 'The role is influencer or brand_owner.'
    );
  end if;
  perform private.check_text(v_name, 'display_name');
  if v_name is null or private.is_blank(v_name) or char_length(v_name) > 80
    or v_name ~ '[\n\u2028\u2029]' then
    perform private.raise_input_invalid(
      'display_name', 'length', 'A name is one line of 1 to 80 characters.'
    );
  end if;
  if exists (
    select from public.users as u
    where u.role = 'system' and lower(u.display_name) = lower(v_name)
  ) then
    perform private.raise_input_invalid(
      'display_name', 'reserved', 'This is the name of the system itself.'
    );
  end if;
  if v_phone !~ '^\+[1-9][0-9]{6,14}$' then
    perform private.raise_input_invalid(
      'phone', 'e164', 'Write the phone number with its country code, as in +919876543210.'
    );
  end if;
  if v_avatar_url is not null then
    perform private.check_media_url(v_avatar_url);
  end if;

  perform private.lock_account(v_me);
  update public.users as u
  set role = p_role, display_name = v_name, avatar_url = v_avatar_url, updated_at = now()
  where u.id = v_me and (u.role is null or u.role = p_role)
  returning u.* into v_user;
  if not found then
    perform private.raise_error(
      'PROFILE_LOCKED', 'The role of a profile cannot be changed.', p_status => 409,
      p_hint => 'Sign up with another address to act in the other role.'
    );
  end if;
  update private.accounts as a set phone = v_phone where a.user_id = v_me;
  perform private.touch_conversations(v_me);

  return json_build_object(
    'id', v_user.id, 'role', v_user.role, 'display_name', v_user.display_name,
    'avatar_url', v_user.avatar_url, 'phone', v_phone,
    'created_at', v_user.created_at, 'updated_at', v_user.updated_at
  );
end;
$$;

-- RPC: sets the caller's role (once), name, picture and phone; returns the profile.
create or replace function public.complete_profile(
  role text,
  display_name text,
  avatar_url text default null,
  phone text default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.complete_profile(role, display_name, avatar_url, phone);
$$;

revoke all on function private.complete_profile(text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.complete_profile(text, text, text, text) to authenticated;
revoke all on function public.complete_profile(text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.complete_profile(text, text, text, text) to authenticated;

-- source: 20_accounts/create_account.sql sha256:51e8059951aa4d5859b5acaeb6a2924c232211c4c9477fdb13cac6dce24d63a7
-- Gives a login its card and its account, with the free messages and the price that the settings
-- say; one that has them is left alone.
--
-- Writes: users, accounts.
create or replace function private.create_account(p_user_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into public.users (id) values (p_user_id) on conflict (id) do nothing;
  insert into private.accounts (user_id, daily_free_limit, points_per_message)
  values (
    p_user_id,
    private.get_number('daily_free_limit')::integer,
    private.get_number('points_per_message')::integer
  )
  on conflict (user_id) do nothing;
end;
$$;

revoke all on function private.create_account(uuid) from public, anon, authenticated, service_role;

-- source: 20_accounts/lock_account.sql sha256:f9dfbaaf8d6c6615e68a222b2337a9dec7e0271a0b8a7249bae2a5bfad94522a
-- Locks the caller's account until the transaction ends and returns it: the first lock of every
-- write that sends, so that one user's sends follow each other and locks have one order.
--
-- Locks: the account's row; made on demand for a login that has none.
-- Errors: AUTH_REQUIRED (401) when the login was deleted while this waited.
create or replace function private.lock_account(p_user_id uuid)
returns private.accounts
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_account private.accounts;
begin
  select a.* into v_account
  from private.accounts as a
  where a.user_id = p_user_id
  for no key update;
  if found then
    return v_account;
  end if;
  if not exists (select from auth.users as u where u.id = p_user_id) then
    perform private.raise_login_gone();
  end if;
  perform private.create_account(p_user_id);
  return private.lock_account(p_user_id);
end;
$$;

revoke all on function private.lock_account(uuid) from public, anon, authenticated, service_role;

-- source: 20_accounts/note_visit.sql sha256:c471963408dff71fe4ed573e3318484cf17025cc7a2f83a46a03e1030433c1c6
-- Notes that a user is here, to the minute: most calls then write nothing.
--
-- Locks, writes: the user's row of accounts.
create or replace function private.note_visit(p_user_id uuid)
returns void
language sql
security invoker
set search_path = ''
as $$
  update private.accounts as a
  set last_seen_at = now()
  where a.user_id = p_user_id
    and (a.last_seen_at is null or a.last_seen_at < now() - interval '1 minute');
$$;

revoke all on function private.note_visit(uuid) from public, anon, authenticated, service_role;

-- source: 20_accounts/touch_conversations.sql sha256:6d9247a082a3712d37c36c3af158d1c12e7d7491bac4e2dc17378cf5f3d82068
-- Tells clients, by the version, that what a user's conversations show of that user has changed.
--
-- Locks, writes: the user's rows of private.participants, locked in the order of their ids as
-- everywhere.
create or replace function private.touch_conversations(p_user_id uuid)
returns void
language sql
security invoker
set search_path = ''
as $$
  select 1 from private.participants as p
  where p.user_id = p_user_id
  order by p.conversation_id
  for no key update;

  update private.participants as p
  set version = p.version + 1, shared_version = p.shared_version + 1
  where p.user_id = p_user_id;
$$;

revoke all on function private.touch_conversations(uuid)
from public, anon, authenticated, service_role;

-- source: 25_points/charge_points.sql sha256:7b01f365f527af2b97c652ded63f05b65cd0fdc9723647c2fc287528313dc2fb
-- Takes points from an account and enters them in the ledger; nothing happens for a price of 0.
--
-- Args: the locked account; the price; the most the user agrees to (null: any); what for; the
-- message, if it is one.
-- Returns the account as it is now. Writes: accounts, points_ledger.
-- Errors: POINTS_LIMIT (402) `{needed, max_points}`, INSUFFICIENT_POINTS (402) `{needed, balance,
-- resets_at}`.
create or replace function private.charge_points(
  p_account private.accounts,
  p_price integer,
  p_max_points integer,
  p_reason text,
  p_message_id uuid
)
returns private.accounts
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_account private.accounts := p_account;
begin
  if p_price > 0 then
    perform private.check_price(p_account, p_price, p_max_points);
    update private.accounts as a
    set points_balance = a.points_balance - p_price
    where a.user_id = p_account.user_id
    returning a.* into v_account;
    insert into private.points_ledger (user_id, delta, reason, balance_after, message_id)
    values (p_account.user_id, -p_price, p_reason, v_account.points_balance, p_message_id);
  end if;
  return v_account;
end;
$$;

revoke all on function private.charge_points(private.accounts, integer, integer, text, uuid)
from public, anon, authenticated, service_role;

-- source: 25_points/charge_send.sql sha256:ca9cf51b5934272e5af74519a15a6d3a5c8cad2a5d8901674fd0609502808b49
-- Charges one message to its sender: to the free ones of the day first, to the points after that.
--
-- Args: the account as lock_account returned it; the most points the sender agrees to pay (null:
-- any); the message.
-- Returns the account as it is now. Writes: accounts, points_ledger, and what tell_quota writes.
-- Events: quota_changed and a notice when the free messages or the points run low.
-- Errors: RATE_LIMITED (429) `{retry_after}`, POINTS_LIMIT (402) `{needed, max_points}`,
-- INSUFFICIENT_POINTS (402) `{needed, balance, resets_at}`.
create or replace function private.charge_send(
  p_account private.accounts,
  p_max_points integer,
  p_message_id uuid
)
returns private.accounts
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_day constant date := greatest(private.quota_day(), p_account.quota_date);
  v_used constant integer := case
    when p_account.quota_date = v_day then p_account.messages_sent_today
    else 0
  end;
  v_price constant integer := case
    when v_used < p_account.daily_free_limit then 0
    else p_account.points_per_message
  end;
  v_account private.accounts;
begin
  update private.accounts as a
  set
    quota_date = v_day,
    messages_sent_today = v_used + 1,
    send_due_at = private.next_due(a.send_due_at, private.get_setting('rate_send')),
    send_long_due_at = private.next_due(
      a.send_long_due_at, private.get_setting('rate_send_long')
    ),
    last_seen_at = now()
  where a.user_id = p_account.user_id
  returning a.* into v_account;
  v_account := private.charge_points(v_account, v_price, p_max_points, 'message', p_message_id);
  perform private.tell_quota(p_account, v_account);
  return v_account;
end;
$$;

revoke all on function private.charge_send(private.accounts, integer, uuid)
from public, anon, authenticated, service_role;

-- source: 25_points/check_price.sql sha256:e768ac8f610f5c6504bbe61a6b38bd154c1564df7d90501cd4e69005b6b630a9
-- Refuses a price that the user does not agree to, or cannot pay.
--
-- Args: the locked account; the price in points; the most the user agrees to (null: any).
-- Errors: POINTS_LIMIT (402) `{needed, max_points}`, INSUFFICIENT_POINTS (402) `{needed, balance,
-- resets_at}`.
create or replace function private.check_price(
  p_account private.accounts,
  p_price integer,
  p_max_points integer
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if p_price > p_max_points then
    perform private.raise_error(
      'POINTS_LIMIT', format('This costs %s points.', p_price),
      jsonb_build_object('needed', p_price, 'max_points', p_max_points), p_status => 402,
      p_hint => 'Ask the user, then call again with a higher max_points.'
    );
  end if;
  if p_price > p_account.points_balance then
    perform private.raise_error(
      'INSUFFICIENT_POINTS',
      format('This costs %s points and you have %s.', p_price, p_account.points_balance),
      jsonb_build_object(
        'needed', p_price,
        'balance', p_account.points_balance,
        'resets_at', private.quota_json(p_account) -> 'resets_at'
      ),
      p_status => 402, p_hint => 'Get points, or wait until the free messages come back.'
    );
  end if;
end;
$$;

revoke all on function private.check_price(private.accounts, integer, integer)
from public, anon, authenticated, service_role;

-- source: 25_points/get_points_history.sql sha256:fd8a4dfe4ab7fd506f6f7f050db4c3298bfcb5e74132e62d5f1deffd41ae4e4e
-- A page of the caller's ledger, newest first.
--
-- Definer: the ledger is private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_points_history(p_page_size integer, p_before bigint)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 50, 100);
begin
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.id desc)
      from (
        select l.id, l.delta, l.reason, l.balance_after, l.message_id, l.created_at
        from private.points_ledger as l
        where l.user_id = v_me and l.id < coalesce(p_before, 9223372036854775807)
        order by l.id desc
        limit v_limit
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: what moved the caller's points, newest first; returns
-- `[{id, delta, reason, balance_after, message_id, created_at}]`; `before` is an id of that list.
create or replace function public.get_points_history(
  page_size integer default 50,
  before bigint default null
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_points_history(page_size, before);
$$;

revoke all on function private.get_points_history(integer, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.get_points_history(integer, bigint) to authenticated;
revoke all on function public.get_points_history(integer, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.get_points_history(integer, bigint) to authenticated;

-- source: 25_points/get_quota.sql sha256:aaf553460477aae834831b42bd210477d14d015b678d467d14cb68193eceb7de
-- The caller's quota at this moment.
--
-- Definer: accounts are private.
-- Writes: nothing, but the account of a login that has none yet.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_quota()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_account private.accounts;
begin
  select a.* into v_account from private.accounts as a where a.user_id = v_me;
  if not found then
    v_account := private.lock_account(v_me);
  end if;
  return private.quota_json(v_account);
end;
$$;

-- RPC: the caller's free messages and points; returns `{daily_free_limit, used_today, free_left,
-- points_per_message, points_balance, resets_at, timezone}`.
create or replace function public.get_quota()
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.get_quota();
$$;

revoke all on function private.get_quota() from public, anon, authenticated, service_role;
grant execute on function private.get_quota() to authenticated;
revoke all on function public.get_quota() from public, anon, authenticated, service_role;
grant execute on function public.get_quota() to authenticated;

-- source: 25_points/grant_points.sql sha256:eaf420c8821c9c44c977951a04572c49749903a7a7cbba60f591927c4917cb34
-- Adds points to a user's balance. A repeated grant_id is the same grant and changes nothing.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's account. Writes: accounts, points_ledger. Events: quota_changed.
-- Errors: FORBIDDEN (403), USER_NOT_FOUND (404), INPUT_INVALID (422),
-- IDEMPOTENCY_MISMATCH (409) for a grant_id that was used for another grant.
create or replace function private.grant_points(
  p_user_id uuid,
  p_points bigint,
  p_reason text,
  p_grant_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reason constant text := left(coalesce(p_reason, 'grant'), 200);
  v_before private.accounts;
  v_after private.accounts;
  v_entry private.points_ledger;
begin
  perform private.require_operator();
  if p_points is null or p_points not between 1 and 1000000000 then
    perform private.raise_input_invalid('points', 'range', 'Grant 1 to 1,000,000,000 points.');
  end if;
  if p_grant_id is null then
    perform private.raise_input_invalid('grant_id', 'required', 'Pass an id for this grant.');
  end if;
  if not exists (select from auth.users as u where u.id = p_user_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  v_before := private.lock_account(p_user_id);

  select l.* into v_entry from private.points_ledger as l where l.grant_id = p_grant_id;
  if not found then
    update private.accounts as a
    set
      points_balance = a.points_balance + p_points,
      points_high = a.points_balance + p_points
    where a.user_id = p_user_id
    returning a.* into v_after;
    insert into private.points_ledger (user_id, delta, reason, balance_after, grant_id)
    values (p_user_id, p_points, v_reason, v_after.points_balance, p_grant_id)
    -- Taken in the meantime for another user: this one's account is all that is locked here.
    on conflict (grant_id) do nothing
    returning * into v_entry;
    perform private.tell_quota(v_before, v_after);
  end if;
  if (v_entry.user_id, v_entry.delta, v_entry.reason)
    is distinct from (p_user_id, p_points, v_reason) then
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This grant_id was used for another grant.', p_status => 409
    );
  end if;
  return json_build_object(
    'id', v_entry.id, 'user_id', v_entry.user_id, 'delta', v_entry.delta,
    'reason', v_entry.reason, 'balance_after', v_entry.balance_after,
    'grant_id', v_entry.grant_id, 'created_at', v_entry.created_at
  );
end;
$$;

-- RPC: operators add points to a user's balance, once per grant_id; returns the ledger's entry.
create or replace function public.grant_points(
  user_id uuid,
  points bigint,
  reason text,
  grant_id uuid
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.grant_points(user_id, points, reason, grant_id);
$$;

revoke all on function private.grant_points(uuid, bigint, text, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.grant_points(uuid, bigint, text, uuid)
to authenticated, service_role;
revoke all on function public.grant_points(uuid, bigint, text, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.grant_points(uuid, bigint, text, uuid)
to authenticated, service_role;

-- source: 25_points/quota_day.sql sha256:cdd11a8a3d614b5b767f1449e43974b9dbfda89ecc2a6d127f9befac178050b9
-- The calendar day in which free messages are counted now, in the zone of setting quota_timezone.
create or replace function private.quota_day()
returns date
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (now() at time zone (private.get_setting('quota_timezone') #>> '{}'))::date;
end;
$$;

revoke all on function private.quota_day() from public, anon, authenticated, service_role;

-- source: 25_points/quota_json.sql sha256:be8b98226f1f560c9b4809503ee727632fc887aa402511dabf18e7f8040c5ea8
-- An account's quota as clients get it: `{daily_free_limit, used_today, free_left,
-- points_per_message, points_balance, resets_at, timezone}`.
create or replace function private.quota_json(p_account private.accounts)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_timezone constant text := private.get_setting('quota_timezone') #>> '{}';
  -- A day that was counted is never left again, whatever zone an operator sets.
  v_day constant date := greatest(
    (now() at time zone v_timezone)::date, p_account.quota_date
  );
  v_used constant integer := case
    when p_account.quota_date = v_day then p_account.messages_sent_today
    else 0
  end;
begin
  return jsonb_build_object(
    'daily_free_limit', p_account.daily_free_limit,
    'used_today', v_used,
    'free_left', greatest(p_account.daily_free_limit - v_used, 0),
    'points_per_message', p_account.points_per_message,
    'points_balance', p_account.points_balance,
    'resets_at', (v_day + 1)::timestamp at time zone v_timezone,
    'timezone', v_timezone
  );
end;
$$;

revoke all on function private.quota_json(private.accounts)
from public, anon, authenticated, service_role;

-- source: 25_points/tell_quota.sql sha256:a8b1cac2d84790b60e11559124d3c194c35c60bda5b6cd48f884c0b4195c9f86
-- Tells a user's devices that the quota changed in a way worth showing.
--
-- Args: the account before and after. quota_changed goes out when points moved, and when a fifth
-- of the free messages is left, or none; the notices quota_low and points_low at the same two
-- marks of the free messages and of the balance after the newest credit.
-- Writes: notifications, push_outbox, realtime.messages. Events: quota_changed, notification.
create or replace function private.tell_quota(
  p_before private.accounts,
  p_after private.accounts
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_free_left constant integer := p_after.daily_free_limit - p_after.messages_sent_today;
  v_quota_low constant boolean := v_free_left in (0, p_after.daily_free_limit / 5)
    and (p_after.quota_date, p_after.messages_sent_today)
      <> (p_before.quota_date, p_before.messages_sent_today);
  v_points_low constant boolean := p_after.points_balance < p_before.points_balance and (
    p_after.points_balance < p_after.points_per_message
    or p_after.points_high / 5 between p_after.points_balance and p_before.points_balance - 1
  );
begin
  if v_quota_low or p_after.points_balance <> p_before.points_balance then
    perform private.broadcast(
      array['quota_changed'], array['user:' || p_after.user_id],
      array[private.quota_json(p_after)]
    );
  end if;
  if v_quota_low then
    perform private.notify(
      p_after.user_id, 'quota_low', null, null,
      jsonb_build_object('free_left', v_free_left)
    );
  end if;
  if v_points_low then
    perform private.notify(
      p_after.user_id, 'points_low', null, null,
      jsonb_build_object('points_balance', p_after.points_balance)
    );
  end if;
end;
$$;

revoke all on function private.tell_quota(private.accounts, private.accounts)
from public, anon, authenticated, service_role;

-- source: 30_chat/advance_receipts.sql sha256:35d05b1b2a948101688b1a70238a5406573092b7ca714c95af6ed73dfbeb8476
-- Moves a member's watermarks forward, never back, and tells both members what moved.
--
-- Args: the member; conversations, and for each how far everything was read and how far it was
-- delivered (0: unchanged). Marks are cut at the newest message; what was read was delivered.
-- Locks: the member's rows of participants, in the order of their ids. Writes: participants,
-- realtime.messages.
-- Events: message_seen, message_delivered `{conversation_id, message_id, seq, user_id, read_at or
-- delivered_at}`; message_id is the newest message that the mark covers and that both members
-- may see, null when there is none.
create or replace function private.advance_receipts(
  p_user_id uuid,
  p_conversation_ids uuid[],
  p_read_seqs bigint[],
  p_delivered_seqs bigint[]
)
returns void
language sql
security invoker
set search_path = ''
as $$
  select 1 from private.participants as p
  where p.user_id = p_user_id and p.conversation_id = any(p_conversation_ids)
  order by p.conversation_id
  for no key update;

  with marks as (
    select
      p.conversation_id,
      p.read_seq as old_read_seq,
      p.delivered_seq as old_delivered_seq,
      greatest(p.read_seq, least(mark.read_seq, c.last_seq)) as read_seq,
      greatest(
        p.delivered_seq, least(greatest(mark.read_seq, mark.delivered_seq), c.last_seq)
      ) as delivered_seq,
      private.shares_read_receipts(c.user_a, c.user_b) as is_shared
    from unnest(p_conversation_ids, p_read_seqs, p_delivered_seqs)
      as mark (conversation_id, read_seq, delivered_seq)
    join private.participants as p
      on p.conversation_id = mark.conversation_id and p.user_id = p_user_id
    join public.conversations as c on c.id = mark.conversation_id
  ),
  moved as (
    update private.participants as p
    set
      read_seq = mark.read_seq,
      read_at = case when mark.read_seq > mark.old_read_seq then now() else p.read_at end,
      delivered_seq = mark.delivered_seq,
      delivered_at = case
        when mark.delivered_seq > mark.old_delivered_seq then now()
        else p.delivered_at
      end,
      version = p.version + 1,
      -- What the other side may not see does not show in its version either.
      shared_version = p.shared_version
        + (mark.is_shared or mark.delivered_seq > mark.old_delivered_seq)::integer
    from marks as mark
    where p.conversation_id = mark.conversation_id
      and p.user_id = p_user_id
      and (mark.read_seq, mark.delivered_seq) <> (mark.old_read_seq, mark.old_delivered_seq)
    returning mark.*
  ),
  -- Materialized: made once for both members.
  steps as materialized (
    select
      step.event,
      moved.conversation_id,
      step.is_shared,
      jsonb_build_object(
        'conversation_id', moved.conversation_id,
        'message_id', private.find_shared_message(moved.conversation_id, step.seq),
        'seq', step.seq,
        'user_id', p_user_id,
        step.time_name, now()
      ) as payload
    from moved
    cross join lateral (
      values
        ('message_delivered', 'delivered_at', moved.old_delivered_seq, moved.delivered_seq, true),
        ('message_seen', 'read_at', moved.old_read_seq, moved.read_seq, moved.is_shared)
    ) as step (event, time_name, old_seq, seq, is_shared)
    where step.seq > step.old_seq
  ),
  told as (
    select step.event, 'user:' || member.user_id as topic, step.payload
    from steps as step
    join private.participants as member on member.conversation_id = step.conversation_id
    where step.is_shared or member.user_id = p_user_id
  )
  select private.broadcast(
    array_agg(t.event order by t.event), array_agg(t.topic order by t.event),
    array_agg(t.payload order by t.event)
  )
  from told as t
  having count(*) > 0;
$$;

revoke all on function private.advance_receipts(uuid, uuid[], bigint[], bigint[])
from public, anon, authenticated, service_role;

-- source: 30_chat/announce_message.sql sha256:580260e228851dcb6299cdd19873327c2327a8401e1c16d254fa7a3b035d6f8c
-- Tells those who may see a message that it is there: new_message to each of them, and a
-- notification to the one who did not send it, unless that one has muted the conversation.
--
-- Args: the conversation, the message, and the message as clients get it. Text and media of a
-- message that disappears are withheld: a broadcast is kept for days where no clock hides it.
-- Writes: realtime.messages, push_outbox.
-- Events: new_message, notification.
create or replace function private.announce_message(
  p_conversation public.conversations,
  p_message public.messages,
  p_json jsonb
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_headline constant jsonb := private.conversation_headline(p_conversation);
  v_json constant jsonb := private.withhold_content(p_json);
  v_about constant jsonb := jsonb_build_object(
    'conversation_id', p_conversation.id,
    'message_id', p_message.id,
    'sender_id', p_message.sender_id
  );
  v_topics text[];
  v_events text[];
  v_payloads jsonb[];
  v_is_notified boolean;
begin
  select
    array_agg('user:' || v.user_id),
    array_agg('new_message'::text),
    array_agg(
      jsonb_build_object(
        'conversation_id', p_conversation.id,
        'message', v_json,
        'conversation_context', v_headline || jsonb_build_object('version', v.version)
      )
    ),
    p_message.message_type = 'user_input'
      and bool_or(v.user_id = p_message.receiver_id and not v.is_muted)
  into v_topics, v_events, v_payloads, v_is_notified
  from private.conversation_versions(p_conversation) as v
  where p_message.visible_to = 'all' or v.user_id = p_message.receiver_id;

  if v_is_notified then
    v_topics := v_topics || ('user:' || p_message.receiver_id);
    v_events := v_events || 'notification'::text;
    v_payloads := v_payloads || jsonb_build_object('type', 'message', 'data', v_about);
    perform private.queue_push(p_message.receiver_id, 'message', v_about);
  end if;
  perform private.broadcast(v_events, v_topics, v_payloads);
end;
$$;

revoke all on function private.announce_message(public.conversations, public.messages, jsonb)
from public, anon, authenticated, service_role;

-- source: 30_chat/append_system_message.sql sha256:3767addf1f9793b1709735e621e7b3480ab293ff1c281e73383f728c53fce6a2
-- Adds a message of the system itself, to both members.
--
-- Locks, writes: the conversation; and what store_message writes.
create or replace function private.append_system_message(p_conversation_id uuid, p_text text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_system_user_id constant uuid := uuid '00000000-0000-0000-0000-000000000000';
  v_message public.messages;
begin
  v_message.sender_id := c_system_user_id;
  v_message.message := p_text;
  v_message.message_type := 'system';
  perform private.store_message(private.claim_seq(p_conversation_id, null), v_message);
end;
$$;

revoke all on function private.append_system_message(uuid, text)
from public, anon, authenticated, service_role;

-- source: 30_chat/check_free_text.sql sha256:e0766dbe8485342de1abc10c69e4fa8461d07b2d6b800f5481d5913e37537451
-- Refuses free text where a conversation is not open for it.
--
-- Errors: CHAT_CLOSED (409), FLOW_STATE_INVALID (409) `{current_state, required_state,
-- awaiting_role, allowed_actions}`, BLOCKED (403) in both directions.
create or replace function private.check_free_text(p_conversation public.conversations)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_conversation.chat_status = 'closed' then
    perform private.raise_error(
      'CHAT_CLOSED', 'This conversation is closed.', p_status => 409
    );
  end if;
  if p_conversation.chat_status <> 'real_time' then
    perform private.raise_error(
      'FLOW_STATE_INVALID', 'Free chat opens when the deal is done.',
      jsonb_build_object(
        'current_state', p_conversation.flow_state,
        'required_state', 'real_time',
        'awaiting_role', p_conversation.awaiting_role,
        'allowed_actions', '[]'::jsonb
      ),
      p_status => 409
    );
  end if;
  if private.is_blocked(p_conversation.user_a, p_conversation.user_b) then
    perform private.raise_error(
      'BLOCKED', 'You cannot write to this user.', p_status => 403
    );
  end if;
end;
$$;

revoke all on function private.check_free_text(public.conversations)
from public, anon, authenticated, service_role;

-- source: 30_chat/check_lifetime.sql sha256:6afd81cdf45b500363af6a9d420a1c2ff12881c755862b16c3685768f7221815
-- Refuses a lifetime that a message may not have.
--
-- Args: the conversation; hours, fractions allowed (null: for ever).
-- Errors: EXPIRATION_INVALID (422) `{min_hours, max_hours}`, EXPIRATION_NOT_ALLOWED (409) while
-- the conversation is under a legal hold.
create or replace function private.check_lifetime(p_conversation_id uuid, p_hours numeric)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- Also a constraint of public.messages.
  c_min_hours constant integer := 1;
  c_max_hours constant integer := 2160;
begin
  if p_hours not between c_min_hours and c_max_hours then
    perform private.raise_error(
      'EXPIRATION_INVALID',
      format('A message disappears after %s to %s hours.', c_min_hours, c_max_hours),
      jsonb_build_object('min_hours', c_min_hours, 'max_hours', c_max_hours), p_status => 422
    );
  end if;
  if p_hours is not null and exists (
    select from private.legal_holds as h where h.conversation_id = p_conversation_id
  ) then
    perform private.raise_error(
      'EXPIRATION_NOT_ALLOWED', 'Messages here must be kept for now.', p_status => 409
    );
  end if;
end;
$$;

revoke all on function private.check_lifetime(uuid, numeric)
from public, anon, authenticated, service_role;

-- source: 30_chat/check_message.sql sha256:701ba8f6c07194d300425bf1426e97744e90d87057c501f8e2bee8eed488731e
-- Refuses a message that says nothing, says too much, or points where it must not.
--
-- Errors: MESSAGE_EMPTY (422), MESSAGE_TOO_LONG (422) `{length, max}` in characters,
-- INPUT_INVALID (422) for control characters, MEDIA_INVALID (422) `{rule}`, MESSAGE_NOT_FOUND
-- (404) when reply_to is none of the conversation's messages that the caller sees.
create or replace function private.check_message(p_message public.messages)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_max_length constant integer := 5000;
  v_length constant integer := char_length(p_message.message);
begin
  perform private.check_text(p_message.message, 'message');
  if p_message.media_url is null and private.is_blank(p_message.message) then
    perform private.raise_error(
      'MESSAGE_EMPTY', 'Write something, or attach something.', p_status => 422
    );
  end if;
  if v_length > c_max_length then
    perform private.raise_error(
      'MESSAGE_TOO_LONG', format('A message has at most %s characters.', c_max_length),
      jsonb_build_object('length', v_length, 'max', c_max_length), p_status => 422
    );
  end if;
  if p_message.media_url is not null then
    perform private.check_media_url(p_message.media_url);
  end if;
  if p_message.reply_to is not null and not exists (
    select from private.visible_messages as m
    where m.id = p_message.reply_to and m.conversation_id = p_message.conversation_id
  ) then
    perform private.raise_error(
      'MESSAGE_NOT_FOUND', 'The message you answer is not in this conversation.', p_status => 404
    );
  end if;
end;
$$;

revoke all on function private.check_message(public.messages)
from public, anon, authenticated, service_role;

-- source: 30_chat/check_stranger.sql sha256:422c91be0daf8dfd0b4fbaaef13f68359ca66e37c78ef9a1fbb61f4b77cb4873
-- Refuses more from a stranger than setting stranger_messages until the other side has answered.
--
-- A stranger is whoever writes first in a direct chat; a deal has its own way of getting to know
-- each other. Call it under the conversation's lock.
-- Errors: GUARD_FAILED (409) `{guard: "first_message_unanswered", max_messages}`.
create or replace function private.check_stranger(
  p_conversation public.conversations,
  p_sender_id uuid
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_allowed constant bigint := private.get_number('stranger_messages')::bigint;
begin
  if v_allowed is null or p_conversation.kind <> 'direct' or exists (
    select from public.messages as m
    where m.conversation_id = p_conversation.id
      and m.message_type = 'user_input'
      and m.sender_id <> p_sender_id
  ) then
    return;
  end if;
  if v_allowed <= (
    select count(*)
    from public.messages as m
    where m.conversation_id = p_conversation.id and m.message_type = 'user_input'
  ) then
    perform private.raise_error(
      'GUARD_FAILED', 'Wait for an answer before you write more.',
      jsonb_build_object('guard', 'first_message_unanswered', 'max_messages', v_allowed),
      p_status => 409
    );
  end if;
end;
$$;

revoke all on function private.check_stranger(public.conversations, uuid)
from public, anon, authenticated, service_role;

-- source: 30_chat/claim_seq.sql sha256:20114cfd49ba6aa17ca4d5859964f07e245ceeaf6eefc22728df4cb946188976
-- Locks a conversation until the transaction ends and gives out the number of its next message: the
-- row that is returned has it as last_seq. A refusal after that takes it back with all the rest.
--
-- Args: the conversation; the member who writes (null: the system).
-- Locks, writes: the row of conversations, after the caller's account where both are locked.
-- Errors: CONVERSATION_NOT_FOUND (404), also for somebody else's.
create or replace function private.claim_seq(p_conversation_id uuid, p_user_id uuid)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
begin
  update public.conversations as c
  set
    last_seq = c.last_seq + 1,
    last_message_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where c.id = p_conversation_id and (p_user_id is null or p_user_id in (c.user_a, c.user_b))
  returning c.* into v_conversation;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.claim_seq(uuid, uuid)
from public, anon, authenticated, service_role;

-- source: 30_chat/conversation_headline.sql sha256:be01fa86b5569b7b1066c31e4dec66dc9343f5da773c72dd83e158339f49e528
-- The compact part of a conversation's context that broadcasts carry, without the version, which
-- is each member's own.
create or replace function private.conversation_headline(p_conversation public.conversations)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'flow_state', p_conversation.flow_state,
    'chat_status', p_conversation.chat_status,
    'awaiting_role', p_conversation.awaiting_role,
    'last_seq', p_conversation.last_seq
  );
end;
$$;

revoke all on function private.conversation_headline(public.conversations)
from public, anon, authenticated, service_role;

-- source: 30_chat/conversation_versions.sql sha256:bc30bc709b1a4d2d6156cfdb9b09753635b639e7dbba2d28060a204909c3baf5
-- The version of a conversation's context as each of its members sees it, and whether that member
-- has muted it.
--
-- It grows with whatever changes there for that member: a step of the flow, a message that comes or
-- disappears, a preference or receipt of one's own, and of the other's what the other shares. The
-- expiry counts with its time in microseconds, which is one index probe however many there were.
-- private.my_conversations says the same; a test compares them.
create or replace function private.conversation_versions(p_conversation public.conversations)
returns table (user_id uuid, version bigint, is_muted boolean)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select
    me.user_id,
    p_conversation.version + p_conversation.last_seq + me.version + other.shared_version
      + coalesce(extract(epoch from expired.at) * 1000000, 0)::bigint,
    coalesce(me.muted_until > now(), false)
  from private.participants as me
  join private.participants as other
    on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
  cross join lateral (
    select max(m.expires_at) as at
    from public.messages as m
    where m.conversation_id = p_conversation.id and m.expires_at <= now()
  ) as expired
  where me.conversation_id = p_conversation.id;
end;
$$;

revoke all on function private.conversation_versions(public.conversations)
from public, anon, authenticated, service_role;

-- source: 30_chat/direct_connect.sql sha256:f49a45f78f22a99392407aae9088d21dbd3e67b61c1bae6514fa8ae62b91f17b
-- Opens the direct chat of the caller and another user, or finds the one they have.
--
-- An initial message goes the way of send_message, with its errors, its price and its retries.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, then the conversation. Writes: conversations, participants,
-- rate_limits, points_ledger, and what send_message writes.
-- Errors: AUTH_REQUIRED (401), SELF_CONVERSATION (422), USER_NOT_FOUND (404), BLOCKED (403),
-- POINTS_COST_MISMATCH (409) `{points_cost}` when the caller expects another price, RATE_LIMITED
-- (429) `{retry_after}`, INSUFFICIENT_POINTS (402) `{needed, balance, resets_at}`.
create or replace function private.direct_connect(
  p_target_user_id uuid,
  p_initial_message text,
  p_points_cost integer,
  p_client_message_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_cost constant integer := private.get_number('chat_open_points')::integer;
  v_account private.accounts;
  v_conversation_id uuid;
  v_created boolean;
  v_sent json;
begin
  if p_target_user_id = v_me then
    perform private.raise_error(
      'SELF_CONVERSATION', 'You cannot open a chat with yourself.', p_status => 422
    );
  end if;
  if not exists (select from auth.users as u where u.id = p_target_user_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  if p_points_cost <> v_cost then
    perform private.raise_error(
      'POINTS_COST_MISMATCH', format('Opening a chat costs %s points.', v_cost),
      jsonb_build_object('points_cost', v_cost), p_status => 409,
      p_hint => 'Show the user this price and call again with it.'
    );
  end if;
  v_account := private.lock_account(v_me);
  -- The repeat of a first message that went through answers as it did, whatever came between.
  if private.is_blocked(v_me, p_target_user_id) and not exists (
    select from public.messages as m
    where m.sender_id = v_me
      and m.receiver_id = p_target_user_id
      and m.client_message_id = p_client_message_id
      and p_initial_message is not null
  ) then
    perform private.raise_error('BLOCKED', 'You cannot write to this user.', p_status => 403);
  end if;

  insert into public.conversations (kind, user_a, user_b, flow_state)
  values (
    'direct', least(v_me, p_target_user_id), greatest(v_me, p_target_user_id), 'real_time'
  )
  on conflict (user_a, user_b) where kind = 'direct' do nothing
  returning id into v_conversation_id;
  v_created := found;
  if v_created then
    perform private.limit_rate(v_me, 'direct_connect');
    perform private.tell_quota(
      v_account, private.charge_points(v_account, v_cost, null, 'chat_open', null)
    );
    -- The opening line is nobody's unread message.
    insert into private.participants (conversation_id, user_id, role, read_seq, delivered_seq)
    select v_conversation_id, member.id, 'member', 1, 1
    from unnest(array[v_me, p_target_user_id]) as member (id);
    perform private.append_system_message(v_conversation_id, 'Conversation started');
  else
    select c.id into v_conversation_id
    from public.conversations as c
    where c.kind = 'direct'
      and c.user_a = least(v_me, p_target_user_id)
      and c.user_b = greatest(v_me, p_target_user_id);
  end if;

  if p_initial_message is not null then
    v_sent := private.send_message(
      v_conversation_id, p_initial_message, null, null, p_client_message_id, null, null
    );
  end if;
  return json_build_object(
    'conversation', private.get_conversation_context(v_conversation_id, null),
    'message', v_sent -> 'message',
    'created', v_created
  );
end;
$$;

-- RPC: opens a direct chat, with a first message if given; returns
-- `{conversation, message, created}`.
create or replace function public.direct_connect(
  target_user_id uuid,
  initial_message text default null,
  points_cost integer default null,
  client_message_id uuid default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.direct_connect(target_user_id, initial_message, points_cost, client_message_id);
$$;

revoke all on function private.direct_connect(uuid, text, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.direct_connect(uuid, text, integer, uuid) to authenticated;
revoke all on function public.direct_connect(uuid, text, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.direct_connect(uuid, text, integer, uuid) to authenticated;

-- source: 30_chat/find_earlier_send.sql sha256:fe86e9bae044100944de540c6790454c1fc0bf959c70fa36539eb490ed650d8f
-- What send_message answers to a repeat of an earlier send, or null when there was none.
--
-- A message that has expired since is answered as `{message: null, expired: true}`, not shown.
--
-- Call it under the lock of the sender's account: retries of one sender then follow each other.
-- Errors: IDEMPOTENCY_MISMATCH (409) when the id was used for something else, and before that
-- CONVERSATION_NOT_FOUND (404).
create or replace function private.find_earlier_send(
  p_message public.messages,
  p_lifetime interval,
  p_account private.accounts
)
returns json
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_stored public.messages;
begin
  if p_message.client_message_id is null then
    return null;
  end if;
  select m.* into v_stored
  from public.messages as m
  where m.sender_id = p_message.sender_id and m.client_message_id = p_message.client_message_id;
  if not found then
    return null;
  end if;
  -- What was emptied since cannot be compared any more; the id alone then has to do.
  if (v_stored.conversation_id, v_stored.reply_to, v_stored.expires_at) is distinct from
    (p_message.conversation_id, p_message.reply_to, v_stored.created_at + p_lifetime)
    or v_stored.scrubbed_at is null
    and (v_stored.message, v_stored.media_url) is distinct from
      (p_message.message, p_message.media_url) then
    if not private.is_my_conversation(p_message.conversation_id) then
      perform private.raise_conversation_not_found();
    end if;
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This client_message_id was used for another message.',
      p_status => 409, p_hint => 'Make a new id for a new message; repeat the old one unchanged.'
    );
  end if;
  return (
    select json_build_object(
      'message', m,
      'expired', coalesce(v_stored.expires_at <= now(), false),
      'quota', private.quota_json(p_account)
    )
    from (values (true)) as repeat
    left join private.my_messages as m
      on m.conversation_id = v_stored.conversation_id and m.seq = v_stored.seq
  );
end;
$$;

revoke all on function private.find_earlier_send(public.messages, interval, private.accounts)
from public, anon, authenticated, service_role;

-- source: 30_chat/find_shared_message.sql sha256:0b0ffe6a6bd8c3c30b48c6139b49edd8d3c8f3f750086c3f1938c3e50add9b10
-- The id of the newest message up to a seq that both members may see; null when there is none.
create or replace function private.find_shared_message(p_conversation_id uuid, p_seq bigint)
returns uuid
language sql
stable
security invoker
set search_path = ''
as $$
  select m.id
  from public.messages as m
  where m.conversation_id = p_conversation_id
    and m.seq <= p_seq
    and m.visible_to = 'all'
    and (m.expires_at is null or m.expires_at > now())
  order by m.seq desc
  limit 1;
$$;

revoke all on function private.find_shared_message(uuid, bigint)
from public, anon, authenticated, service_role;

-- source: 30_chat/get_conversation_context.sql sha256:25ccbaf6d15a82d1f11df888e9a73322c1e2528f2cf920e97841155855e6503b
-- One conversation as the caller sees it now.
--
-- Definer: reads private.my_conversations.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_conversation_context(
  p_conversation_id uuid,
  p_known_version bigint
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_context record;
begin
  perform private.require_user();
  select c.* into v_context
  from private.my_conversations as c
  where c.conversation_id = p_conversation_id;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  if v_context.version = p_known_version then
    return json_build_object('not_modified', true, 'version', v_context.version);
  end if;
  return row_to_json(v_context);
end;
$$;

-- RPC: a conversation's context, or `{not_modified: true, version}` when the caller's is current.
create or replace function public.get_conversation_context(
  conversation_id uuid,
  known_version bigint default null
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_conversation_context(conversation_id, known_version);
$$;

revoke all on function private.get_conversation_context(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.get_conversation_context(uuid, bigint) to authenticated;
revoke all on function public.get_conversation_context(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.get_conversation_context(uuid, bigint) to authenticated;

-- source: 30_chat/get_conversations.sql sha256:bae45aa0aee9d73f3c1d335e48a84cde1ac0a0f7d5f5515d917a74cf4c727aab
-- A page of the caller's conversations, the one with the newest message first.
--
-- The cursor is the position of the last row, `<microseconds since 1970>_<conversation id>`; it
-- is the client's to carry, not to read. The page is found on two indexes (the caller is one
-- member or the other), so that its cost does not grow with the number of messages. Pinned
-- conversations come first, on the first page and beyond its size, and nowhere else.
-- Definer: reads private.my_conversations.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for an unknown filter or a broken cursor.
create or replace function private.get_conversations(
  p_page_size integer,
  p_cursor text,
  p_filter text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  c_cursor constant text := '^[0-9]{1,18}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 10, 100);
  v_at timestamptz := timestamptz 'infinity';
  v_id uuid;
  -- At most 20 of them, the newest pins.
  v_pinned constant uuid[] := array(
    select p.conversation_id
    from private.participants as p
    where p.user_id = v_me and p.pinned_at is not null
    order by p.pinned_at desc
    limit 20
  );
  v_answer json;
begin
  if p_filter not in ('open', 'archived', 'my_turn', 'unread', 'direct', 'deals', 'all') then
    perform private.raise_input_invalid(
      'filter', 'one_of', 'The filter is open, archived, my_turn, unread, direct, deals or all.'
    );
  end if;
  if p_cursor !~ c_cursor then
    perform private.raise_input_invalid(
      'cursor', 'format', 'Pass next_cursor of the page before, or nothing.'
    );
  end if;
  if p_cursor is not null then
    v_at := to_timestamp(0)
      + split_part(p_cursor, '_', 1)::bigint * interval '1 microsecond';
    v_id := split_part(p_cursor, '_', 2)::uuid;
  end if;

  with page as (
    select
      c.id,
      c.last_message_at,
      row_number() over (order by c.last_message_at desc, c.id desc) as place
    from (
      -- Both halves come in the order of an index, so that only a page of them is read.
      select c.*
      from (
        (
          select a.* from public.conversations as a
          where a.user_a = v_me and (a.last_message_at, a.id) < (v_at, coalesce(v_id, v_me))
          order by a.last_message_at desc, a.id desc
        )
        union all
        (
          select b.* from public.conversations as b
          where b.user_b = v_me and (b.last_message_at, b.id) < (v_at, coalesce(v_id, v_me))
          order by b.last_message_at desc, b.id desc
        )
      ) as c
      order by c.last_message_at desc, c.id desc
    ) as c
    -- "limit" keeps the order of what it is joined to.
    cross join lateral (
      select p.* from private.participants as p
      where p.conversation_id = c.id and p.user_id = v_me
      limit 1
    ) as me
    where c.id <> all (v_pinned) and private.is_listed(c, me, coalesce(p_filter, 'open'))
    order by c.last_message_at desc, c.id desc
    limit v_limit + 1
  )
  select json_build_object(
    'conversations', coalesce(
      (
        select json_agg(row_to_json(c) order by p.place)
        from (
          select page.id, page.place from page where page.place <= v_limit
          union all
          select c.id, array_position(v_pinned, c.id) - 21
          from public.conversations as c
          join private.participants as me on me.conversation_id = c.id and me.user_id = v_me
          where p_cursor is null
            and c.id = any (v_pinned)
            and private.is_listed(c, me, coalesce(p_filter, 'open'))
        ) as p
        cross join lateral (
          select c.* from private.my_conversations as c where c.conversation_id = p.id
          offset 0  -- one at a time: the planner would fetch all of the caller's
        ) as c
      ),
      '[]'
    ),
    'next_cursor', (
      select (extract(epoch from p.last_message_at) * 1000000)::bigint || '_' || p.id
      from page as p
      where p.place = v_limit and exists (select from page as q where q.place > v_limit)
    )
  )
  into v_answer;
  return v_answer;
end;
$$;

-- RPC: a page of the caller's conversations; returns `{conversations, next_cursor}`.
create or replace function public.get_conversations(
  page_size integer default 10,
  cursor text default null,
  filter text default 'open'
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_conversations(page_size, "cursor", filter);
$$;

revoke all on function private.get_conversations(integer, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.get_conversations(integer, text, text) to authenticated;
revoke all on function public.get_conversations(integer, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.get_conversations(integer, text, text) to authenticated;

-- source: 30_chat/get_direct_connections.sql sha256:4f404b70ef2994ec31d52e55fc5ff7b1098480df41f5512ea2e0694234b76516
-- A page of the caller's direct chats: get_conversations with the filter "direct".
--
-- Definer: as get_conversations.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a broken cursor.
create or replace function private.get_direct_connections(p_page_size integer, p_cursor text)
returns json
language sql
stable
security definer
set search_path = ''
as $$
  select private.get_conversations(p_page_size, p_cursor, 'direct');
$$;

-- RPC: a page of the caller's direct chats; returns `{conversations, next_cursor}`.
create or replace function public.get_direct_connections(
  page_size integer default 10,
  cursor text default null
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_direct_connections(page_size, "cursor");
$$;

revoke all on function private.get_direct_connections(integer, text)
from public, anon, authenticated, service_role;
grant execute on function private.get_direct_connections(integer, text) to authenticated;
revoke all on function public.get_direct_connections(integer, text)
from public, anon, authenticated, service_role;
grant execute on function public.get_direct_connections(integer, text) to authenticated;

-- source: 30_chat/get_messages.sql sha256:8b18f1ac3de0f4359176c8189d734d547bc3eb19c004c63f1e78ac6fc145ccca
-- A page of a conversation's messages that the caller may read now.
--
-- Definer: one look at the membership instead of a policy for each row.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), MESSAGE_NOT_FOUND (404) when
-- `before` is no message of this conversation, INPUT_INVALID (422) for two directions at once.
create or replace function private.get_messages(
  p_conversation_id uuid,
  p_page_size integer,
  p_before_seq bigint,
  p_after_seq bigint,
  p_before uuid
)
returns setof private.my_messages
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_limit constant integer := private.clamp_page_size(p_page_size, 50, 100);
  -- A number and not a null test, which would keep the index from being used for it.
  v_before_seq bigint := coalesce(p_before_seq, 9223372036854775807);
begin
  perform private.require_user();
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  if num_nonnulls(p_before_seq, p_after_seq, p_before) > 1 then
    perform private.raise_input_invalid(
      'before_seq', 'one_position', 'Give one of before_seq, after_seq and before.'
    );
  end if;

  if p_after_seq is not null then
    return query
    select m.* from private.my_messages as m
    where m.conversation_id = p_conversation_id and m.seq > p_after_seq
    order by m.seq
    limit v_limit;
    return;
  end if;

  if p_before is not null then
    -- A message that has expired, or that only the other side sees, still marks a position.
    select m.seq into v_before_seq
    from public.messages as m
    where m.id = p_before and m.conversation_id = p_conversation_id;
    if not found then
      perform private.raise_error(
        'MESSAGE_NOT_FOUND', 'There is no such message in this conversation.', p_status => 404
      );
    end if;
  end if;
  return query
  select m.* from private.my_messages as m
  where m.conversation_id = p_conversation_id and m.seq < v_before_seq
  order by m.seq desc
  limit v_limit;
end;
$$;

-- RPC: a page of messages, newest first; oldest first with after_seq.
create or replace function public.get_messages(
  conversation_id uuid,
  page_size integer default 50,
  before_seq bigint default null,
  after_seq bigint default null,
  before uuid default null
)
returns setof public.chat_message
language sql
stable
security invoker
set search_path = ''
as $$
  select * from private.get_messages(conversation_id, page_size, before_seq, after_seq, before);
$$;

revoke all on function private.get_messages(uuid, integer, bigint, bigint, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.get_messages(uuid, integer, bigint, bigint, uuid)
to authenticated;
revoke all on function public.get_messages(uuid, integer, bigint, bigint, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.get_messages(uuid, integer, bigint, bigint, uuid)
to authenticated;

-- source: 30_chat/get_unread_count.sql sha256:1a880d7be9d21990b1fc9760659e01c8e7a7d96890f93d0cf8c088e0a0790125
-- How much waits for the caller: counted from the watermarks, never counted up and down.
--
-- Archived conversations count too, muted ones do not.
-- Definer: reads private.my_conversations.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_unread_count()
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return (
    select json_build_object(
      'unread_messages', coalesce(sum(waiting.unread), 0),
      'unread_conversations', count(*) filter (where waiting.unread > 0),
      'my_turn', count(*) filter (where waiting.is_my_turn)
    )
    from (
      select
        (
          select count(*)
          from private.visible_messages as m
          where m.conversation_id = c.id
            and m.seq > p.read_seq
            and m.sender_id <> v_me
            and (p.muted_until is null or p.muted_until <= now())
        ) as unread,
        coalesce(c.awaiting_role = p.role, false) as is_my_turn
      from private.participants as p
      join public.conversations as c on c.id = p.conversation_id
      where p.user_id = v_me and (c.last_seq > p.read_seq or c.awaiting_role = p.role)
    ) as waiting
  );
end;
$$;

-- RPC: returns `{unread_messages, unread_conversations, my_turn}`.
create or replace function public.get_unread_count()
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_unread_count();
$$;

revoke all on function private.get_unread_count() from public, anon, authenticated, service_role;
grant execute on function private.get_unread_count() to authenticated;
revoke all on function public.get_unread_count() from public, anon, authenticated, service_role;
grant execute on function public.get_unread_count() to authenticated;

-- source: 30_chat/is_listed.sql sha256:824b99e43c9f1b86c6d72ad54c1ef1ee9d9916348504b6a0f0cff900445b44ff
-- Whether a conversation belongs in its member's list under a filter of get_conversations.
--
-- Args: the conversation, the member's row, the filter. open: neither archived nor closed.
-- my_turn: the flow waits for this member. deals: bids and campaigns.
create or replace function private.is_listed(
  p_conversation public.conversations,
  p_me private.participants,
  p_filter text
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return case p_filter
    when 'all' then true
    when 'direct' then p_conversation.kind = 'direct'
    when 'deals' then p_conversation.kind <> 'direct'
    when 'my_turn' then coalesce(p_conversation.awaiting_role = p_me.role, false)
    when 'archived' then coalesce(p_me.archived_seq = p_conversation.last_seq, false)
    when 'unread' then p_conversation.last_seq > p_me.read_seq and exists (
      select from private.visible_messages as m
      where m.conversation_id = p_conversation.id
        and m.seq > p_me.read_seq
        and m.sender_id <> p_me.user_id
    )
    else p_conversation.chat_status <> 'closed'
      and p_me.archived_seq is distinct from p_conversation.last_seq
  end;
end;
$$;

revoke all on function private.is_listed(public.conversations, private.participants, text)
from public, anon, authenticated, service_role;

-- source: 30_chat/mark_delivered.sql sha256:47a6f69adcfebfb28bb9d32ca5322635363a2ae261bc8c7d91aff714ca620b9b
-- Notes that the caller has received a conversation up to a message, or all of it.
--
-- Definer: clients have no write grant on any table.
-- Locks, writes: the caller's row of the conversation.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.mark_delivered(p_conversation_id uuid, p_up_to_seq bigint)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_everything constant bigint := 9223372036854775807;
begin
  return private.mark_receipts(p_conversation_id, 0, coalesce(p_up_to_seq, c_everything));
end;
$$;

-- RPC: marks messages as delivered, forward only; returns
-- `{read_seq, delivered_seq, unread_count}`.
create or replace function public.mark_delivered(
  conversation_id uuid,
  up_to_seq bigint default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.mark_delivered(conversation_id, up_to_seq);
$$;

revoke all on function private.mark_delivered(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.mark_delivered(uuid, bigint) to authenticated;
revoke all on function public.mark_delivered(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.mark_delivered(uuid, bigint) to authenticated;

-- source: 30_chat/mark_read.sql sha256:2c9f7a5674818a12a1e58da157e2c4733aef7c62b594ab92124a4f671043d080
-- Notes that the caller has read a conversation up to a message, or all of it.
--
-- Definer: clients have no write grant on any table.
-- Locks, writes: the caller's row of the conversation.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.mark_read(p_conversation_id uuid, p_up_to_seq bigint)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_everything constant bigint := 9223372036854775807;
begin
  return private.mark_receipts(p_conversation_id, coalesce(p_up_to_seq, c_everything), 0);
end;
$$;

-- RPC: marks messages as read, forward only; returns `{read_seq, delivered_seq, unread_count}`.
create or replace function public.mark_read(
  conversation_id uuid,
  up_to_seq bigint default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.mark_read(conversation_id, up_to_seq);
$$;

revoke all on function private.mark_read(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.mark_read(uuid, bigint) to authenticated;
revoke all on function public.mark_read(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.mark_read(uuid, bigint) to authenticated;

-- source: 30_chat/mark_receipts.sql sha256:fb10fcdd846c551a5fb4a1870ecc44ef78a0f807cb35ba0ee46a4ed5a776fbf1
-- Moves the caller's watermarks in one conversation and says where they are.
--
-- Returns `{read_seq, delivered_seq, unread_count}`.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.mark_receipts(
  p_conversation_id uuid,
  p_read_seq bigint,
  p_delivered_seq bigint
)
returns json
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  perform private.advance_receipts(
    v_me, array[p_conversation_id], array[p_read_seq], array[p_delivered_seq]
  );
  return (
    select json_build_object(
      'read_seq', p.read_seq, 'delivered_seq', p.delivered_seq, 'unread_count', c.unread_count
    )
    from private.participants as p
    join private.my_conversations as c on c.conversation_id = p.conversation_id
    where p.conversation_id = p_conversation_id and p.user_id = v_me
  );
end;
$$;

revoke all on function private.mark_receipts(uuid, bigint, bigint)
from public, anon, authenticated, service_role;

-- source: 30_chat/message_json.sql sha256:5b35169a8696a186dbd48da048ef1ee2a1cfb992739404fc9008cab037cf62e3
-- A message that was just made, in the shape that clients get: nobody has read it yet.
--
-- Has the same keys as private.my_messages; a test compares them.
create or replace function private.message_json(p_message public.messages)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'id', p_message.id,
    'conversation_id', p_message.conversation_id,
    'seq', p_message.seq,
    'sender_id', p_message.sender_id,
    'receiver_id', p_message.receiver_id,
    'message', p_message.message,
    'media_url', p_message.media_url,
    'message_type', p_message.message_type,
    'visible_to', p_message.visible_to,
    'action_required', p_message.action_required,
    'action_data', p_message.action_data,
    'action_completed', p_message.action_completed,
    'is_automated', p_message.is_automated,
    'reply_to', p_message.reply_to,
    'client_message_id', p_message.client_message_id,
    'expires_at', p_message.expires_at,
    'seen', false,
    'is_read', false,
    'read_at', null,
    'status', 'sent',
    'created_at', p_message.created_at
  );
end;
$$;

revoke all on function private.message_json(public.messages)
from public, anon, authenticated, service_role;

-- source: 30_chat/send_message.sql sha256:9a4fc264f7ed8696f658452acca967c5e86d71cfe376a10df698a622b12959f3
-- Sends one message of the caller: checked, charged, numbered, stored and told in one transaction.
--
-- A refused send costs nothing and leaves nothing.
-- A repeat with the same client_message_id answers what the first try answered and changes
-- nothing, so a client may retry until it hears an answer.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, then the conversation. Writes: accounts, points_ledger,
-- conversations, messages, notifications, push_outbox, realtime.messages.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), IDEMPOTENCY_MISMATCH (409),
-- CHAT_CLOSED (409), FLOW_STATE_INVALID (409), BLOCKED (403), GUARD_FAILED (409) `{guard:
-- "first_message_unanswered"}`, MESSAGE_EMPTY (422), MESSAGE_TOO_LONG (422) `{length, max}`,
-- INPUT_INVALID (422) `{field, rule}`, MEDIA_INVALID (422) `{rule}`, MESSAGE_NOT_FOUND (404) for a
-- reply to a message the caller cannot see, EXPIRATION_INVALID (422) `{min_hours, max_hours}`,
-- EXPIRATION_NOT_ALLOWED (409), RATE_LIMITED (429) `{retry_after}`, POINTS_LIMIT (402) `{needed,
-- max_points}`, INSUFFICIENT_POINTS (402) `{needed, balance, resets_at}`.
create or replace function private.send_message(
  p_conversation_id uuid,
  p_message text,
  p_media_url text,
  p_expiration_hours numeric,
  p_client_message_id uuid,
  p_reply_to uuid,
  p_max_points integer
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_account private.accounts;
  v_conversation public.conversations;
  v_message public.messages;
  -- Cut to what an interval can hold; check_lifetime looks at the hours themselves.
  v_lifetime constant interval := interval '1 hour' * case
    when p_expiration_hours is not null then least(greatest(p_expiration_hours, 0), 10000)
  end;
  v_earlier json;
begin
  v_account := private.lock_account(v_me);

  v_message.conversation_id := p_conversation_id;
  v_message.sender_id := v_me;
  v_message.message_type := 'user_input';
  v_message.message := coalesce(private.clean_text(p_message), '');
  v_message.media_url := nullif(p_media_url, '');
  v_message.reply_to := p_reply_to;
  v_message.client_message_id := p_client_message_id;
  v_earlier := private.find_earlier_send(v_message, v_lifetime, v_account);
  if v_earlier is not null then
    return v_earlier;
  end if;

  v_conversation := private.claim_seq(p_conversation_id, v_me);
  perform private.check_free_text(v_conversation);
  perform private.check_stranger(v_conversation, v_me);
  perform private.check_message(v_message);
  perform private.check_lifetime(v_conversation.id, p_expiration_hours);

  v_message.id := gen_random_uuid();
  v_message.receiver_id := case v_me
    when v_conversation.user_a then v_conversation.user_b
    else v_conversation.user_a
  end;
  v_account := private.charge_send(v_account, p_max_points, v_message.id);
  return json_build_object(
    'message', private.store_message(v_conversation, v_message, v_lifetime),
    'expired', false,
    'quota', private.quota_json(v_account)
  );
end;
$$;

-- RPC: sends a message to a conversation of the caller; returns `{message, quota}`.
create or replace function public.send_message(
  conversation_id uuid,
  message text default '',
  media_url text default null,
  expiration_hours numeric default null,
  client_message_id uuid default null,
  reply_to uuid default null,
  max_points integer default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.send_message(
    conversation_id, message, media_url, expiration_hours, client_message_id, reply_to, max_points
  );
$$;

revoke all on function private.send_message(uuid, text, text, numeric, uuid, uuid, integer)
from public, anon, authenticated, service_role;
grant execute on function private.send_message(uuid, text, text, numeric, uuid, uuid, integer)
to authenticated;
revoke all on function public.send_message(uuid, text, text, numeric, uuid, uuid, integer)
from public, anon, authenticated, service_role;
grant execute on function public.send_message(uuid, text, text, numeric, uuid, uuid, integer)
to authenticated;

-- source: 30_chat/set_conversation_preferences.sql sha256:8f5b26c9a58a41f71fdbc1aeada6ce58a3a3b8f6d32bed73b5ba2f14d47433d9
-- Archives, pins or mutes a conversation for the caller alone. Null: unchanged.
--
-- Archived is a position: the next message brings the conversation back by itself. A muted_until
-- in the past ends a mute.
-- Definer: clients have no write grant on any table.
-- Locks, writes: the caller's row of participants.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.set_conversation_preferences(
  p_conversation_id uuid,
  p_archived boolean,
  p_pinned boolean,
  p_muted_until timestamptz
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  update private.participants as p
  set
    archived_seq = case p_archived
      when true then c.last_seq
      when false then null
      else p.archived_seq
    end,
    pinned_at = case p_pinned
      when true then coalesce(p.pinned_at, now())
      when false then null
      else p.pinned_at
    end,
    muted_until = case
      when p_muted_until > now() then p_muted_until
      when p_muted_until is null then p.muted_until
    end,
    version = p.version + 1
  from public.conversations as c
  where c.id = p.conversation_id and p.conversation_id = p_conversation_id and p.user_id = v_me;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return private.get_conversation_context(p_conversation_id, null);
end;
$$;

-- RPC: archives, pins, mutes for the caller; returns the conversation's context.
create or replace function public.set_conversation_preferences(
  conversation_id uuid,
  archived boolean default null,
  pinned boolean default null,
  muted_until timestamptz default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.set_conversation_preferences(conversation_id, archived, pinned, muted_until);
$$;

revoke all on function private.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function private.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
to authenticated;
revoke all on function public.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function public.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
to authenticated;

-- source: 30_chat/set_typing.sql sha256:cd7a12b7f4972b672e751d6e35e0924690a13004e018548bdd625812c5c5b212
-- Notes that the caller is typing, for six seconds, and tells who listens to the conversation.
--
-- Kept for clients that reconnect; nobody keeps what was typed. A blocked typist is not announced.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's rate limit, then the caller's row of the conversation. Writes: rate_limits,
-- participants, realtime.messages.
-- Events: user_typing on the topic `conversation:<id>`.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), RATE_LIMITED (429).
create or replace function private.set_typing(p_conversation_id uuid, p_is_typing boolean)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_kept constant interval := interval '6 seconds';
  v_me constant uuid := private.require_user();
  v_other_id uuid;
begin
  select other.user_id into v_other_id
  from private.participants as me
  join private.participants as other
    on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
  where me.conversation_id = p_conversation_id and me.user_id = v_me;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  perform private.limit_rate(v_me, 'typing');
  if private.is_blocked(v_me, v_other_id) then
    return;
  end if;
  update private.participants as p
  set typing_until = case when p_is_typing then now() + c_kept end
  where p.conversation_id = p_conversation_id and p.user_id = v_me;
  perform private.broadcast(
    array['user_typing'],
    array['conversation:' || p_conversation_id],
    array[
      jsonb_build_object(
        'conversation_id', p_conversation_id,
        'user_id', v_me,
        'is_typing', coalesce(p_is_typing, false)
      )
    ]
  );
end;
$$;

-- RPC: says that the caller types, or stopped.
create or replace function public.set_typing(conversation_id uuid, is_typing boolean)
returns void
language sql
security invoker
set search_path = ''
as $$
  select private.set_typing(conversation_id, is_typing);
$$;

revoke all on function private.set_typing(uuid, boolean)
from public, anon, authenticated, service_role;
grant execute on function private.set_typing(uuid, boolean) to authenticated;
revoke all on function public.set_typing(uuid, boolean)
from public, anon, authenticated, service_role;
grant execute on function public.set_typing(uuid, boolean) to authenticated;

-- source: 30_chat/store_message.sql sha256:f022d2bf0310fc0fca71a77560368735409ff9cc46e5891200083b7c47ab7aa1
-- Stores the message whose number claim_seq has just given out, and tells who may see it.
--
-- Args: the conversation as claim_seq returned it; the message, whose seq and times are given here;
-- how long it lives (null: for ever).
-- Returns the message in the shape that clients get. Writes: messages, realtime.messages,
-- push_outbox.
create or replace function private.store_message(
  p_conversation public.conversations,
  p_message public.messages,
  p_lifetime interval default null
)
returns jsonb
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_message public.messages;
  v_json jsonb;
begin
  insert into public.messages (
    conversation_id, seq, id, sender_id, receiver_id, message, media_url, message_type,
    visible_to, action_required, action_data, reply_to, client_message_id, expires_at, created_at,
    updated_at
  )
  values (
    p_conversation.id, p_conversation.last_seq, coalesce(p_message.id, gen_random_uuid()),
    p_message.sender_id, p_message.receiver_id, coalesce(p_message.message, ''),
    p_message.media_url, p_message.message_type, coalesce(p_message.visible_to, 'all'),
    coalesce(p_message.action_required, false), p_message.action_data, p_message.reply_to,
    p_message.client_message_id, p_conversation.last_message_at + p_lifetime,
    p_conversation.last_message_at, p_conversation.last_message_at
  )
  returning * into v_message;

  v_json := private.message_json(v_message);
  perform private.announce_message(p_conversation, v_message, v_json);
  return v_json;
end;
$$;

revoke all on function private.store_message(public.conversations, public.messages, interval)
from public, anon, authenticated, service_role;

-- source: 30_chat/sync.sql sha256:c8fe55b23ca795c131ffca01091146a21f2b9082bce1d5205578698a0dc09e29
-- Everything the caller has missed: the truth behind the broadcasts.
--
-- Args: what the client has, `{"<conversation id>": <last seq>}` or `{"<conversation id>": {"seq":
-- <last seq>, "version": <version of the context>}}`; how many messages at most (1..1000).
-- Conversations that are not named come whole. Only who gives a version hears of changes without
-- a message: a receipt, a preference, a block.
-- Returns `{conversations, messages, has_more, server_now}`: the messages after the known ones,
-- the most recently active conversation first, oldest first within one; the contexts of their
-- conversations and, with the last page, of those that changed without a message for the caller.
-- While has_more is true, call again with what was received added to `known`.
-- What is returned counts as delivered.
-- Definer: reads the private views, writes the caller's watermarks.
-- Locks: the caller's account, then the caller's rows of private.participants, in the order of
-- their ids. Writes: accounts, participants, realtime.messages.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) when `known` is no such object.
create or replace function private.sync(p_known jsonb, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 500, 1000);
  v_messages json;
  v_conversation_ids uuid[];
  v_delivered_seqs bigint[];
  v_has_more boolean;
begin
  perform private.check_known(p_known);
  perform private.note_visit(v_me);

  with known as (
    select
      k.id::uuid as id,
      (case jsonb_typeof(k.value) when 'object' then k.value -> 'seq' else k.value end)::bigint
        as seq,
      (k.value ->> 'version')::bigint as version
    from jsonb_each(p_known) as k (id, value)
  ),
  changed as (
    select c.id, c.last_seq, c.last_message_at, coalesce(known.seq, 0) as known_seq
    from private.participants as p
    join public.conversations as c on c.id = p.conversation_id
    left join known on known.id = c.id
    where p.user_id = v_me
      and (
        c.last_seq > coalesce(known.seq, 0)
        or case when known.version is not null then known.version <> (
          select v.version from private.conversation_versions(c) as v where v.user_id = v_me
        ) end
      )
  ),
  found_messages as (
    select m as message, c.last_message_at, m.conversation_id, m.seq
    from changed as c
    cross join lateral (
      select m.*
      from private.my_messages as m
      where m.conversation_id = c.id and m.seq > c.known_seq
      order by m.seq
      limit v_limit + 1
    ) as m
    order by c.last_message_at desc, c.id, m.seq
    limit v_limit + 1
  ),
  page as (
    select f.*
    from found_messages as f
    order by f.last_message_at desc, f.conversation_id, f.seq
    limit v_limit
  ),
  whole as (
    select count(*) <= v_limit as is_last from found_messages
  ),
  reached as (
    select
      c.id,
      case when whole.is_last then c.last_seq else max(p.seq) end as seq
    from changed as c
    cross join whole
    left join page as p on p.conversation_id = c.id
    group by c.id, c.last_seq, whole.is_last
    having whole.is_last or count(p.seq) > 0
  )
  select
    (
      select json_agg(
        row_to_json(p.message) order by p.last_message_at desc, p.conversation_id, p.seq
      )
      from page as p
    ),
    array(select r.id from reached as r order by r.id),
    array(select r.seq from reached as r order by r.id),
    (select not w.is_last from whole as w)
  into v_messages, v_conversation_ids, v_delivered_seqs, v_has_more;

  perform private.advance_receipts(
    v_me, v_conversation_ids, array_fill(0::bigint, array[cardinality(v_conversation_ids)]),
    v_delivered_seqs
  );
  return json_build_object(
    'conversations', coalesce(
      (
        select json_agg(row_to_json(c) order by c.updated_at desc, c.conversation_id)
        from unnest(v_conversation_ids) as reached (id)
        cross join lateral (
          select c.* from private.my_conversations as c where c.conversation_id = reached.id
          offset 0  -- one at a time: the planner would fetch all of the caller's
        ) as c
      ),
      '[]'
    ),
    'messages', coalesce(v_messages, '[]'),
    'has_more', v_has_more,
    'server_now', now()
  );
end;
$$;

-- RPC: what the caller has missed since `known`; returns
-- `{conversations, messages, has_more, server_now}`.
create or replace function public.sync(
  known jsonb default '{}',
  page_size integer default 500
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.sync(known, page_size);
$$;

revoke all on function private.sync(jsonb, integer) from public, anon, authenticated, service_role;
grant execute on function private.sync(jsonb, integer) to authenticated;
revoke all on function public.sync(jsonb, integer) from public, anon, authenticated, service_role;
grant execute on function public.sync(jsonb, integer) to authenticated;

-- source: 30_chat/withhold_content.sql sha256:ee620a66f4235065136765e58bb5e2c41b0f2e5d3c95ab8ef612276b08285b23
-- A message's JSON as it may leave through a channel that no clock empties: as it is, or, when the
-- message disappears one day, without text and media and with `content_withheld: true`.
create or replace function private.withhold_content(p_message jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_message -> 'expires_at'
    when 'null' then p_message
    else p_message - array['message', 'media_url'] || '{"content_withheld": true}'
  end;
end;
$$;

revoke all on function private.withhold_content(jsonb)
from public, anon, authenticated, service_role;

-- source: 33_search/find_messages.sql sha256:0fcd31e303880fd8c3b764ac962c168fb42604b00d84448e7cebd9f44e6b29e8
-- The places of a user's messages that match all patterns, newest first, of user_input alone.
--
-- Reads the user's own messages and no index over everybody's: what such an index costs to read
-- would tell how often a word stands in messages that the caller may not see, and it would keep
-- the words of messages that have disappeared.
create or replace function private.find_messages(
  p_patterns text[],
  p_conversation_id uuid,
  p_before_at timestamptz,
  p_before_id uuid,
  p_limit integer
)
returns table (conversation_id uuid, seq bigint)
language sql
stable
security invoker
set search_path = ''
as $$
  select m.conversation_id, m.seq
  from private.visible_messages as m
  where m.conversation_id = any (
      (
        select case
          when p_conversation_id is null then private.list_my_conversation_ids()
          else array[p_conversation_id]
        end
      )::uuid[]
    )
    and m.message_type = 'user_input'
    and (p_before_id is null or (m.created_at, m.id) < (p_before_at, p_before_id))
    and m.message ilike all (p_patterns)
  order by m.created_at desc, m.id desc
  limit p_limit;
$$;

revoke all on function private.find_messages(text[], uuid, timestamptz, uuid, integer)
from public, anon, authenticated, service_role;

-- source: 33_search/highlight_words.sql sha256:ed864dcb01822a4936b190458769c916b6ce625beb33d07bab18405aa173d117
-- Where words stand in a text: `{text, ranges: [[start, length]]}`, in characters from 0.
--
-- text is the part around the first hit, at most 200 characters. Ranges and not markup, because
-- what a client shows is the client's to escape.
create or replace function private.highlight_words(p_text text, p_words text[])
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  c_lead constant integer := 40;
  c_length constant integer := 200;
  v_first constant integer := (
    select min(nullif(position(lower(w.word) in lower(p_text)), 0)) from unnest(p_words) as w (word)
  );
  v_text constant text := substr(p_text, greatest(1, v_first - c_lead), c_length);
begin
  return jsonb_build_object(
    'text', v_text,
    'ranges', (
      select coalesce(jsonb_agg(jsonb_build_array(hit.start, hit.length) order by hit.start), '[]')
      from (
        select position(lower(w.word) in lower(v_text)) - 1 as start, char_length(w.word) as length
        from unnest(p_words) as w (word)
      ) as hit
      where hit.start >= 0
    )
  );
end;
$$;

revoke all on function private.highlight_words(text, text[])
from public, anon, authenticated, service_role;

-- source: 33_search/search_messages.sql sha256:a1fc67b110aacab940b22ce900baba79cfbcee303bba1bacb1ab10467b735368
-- Searches what the caller may read now: every word of the query, anywhere in the text, in any
-- script, in upper or lower case. Newest first.
--
-- Args: the query (1 to 200 characters); one conversation or all; how many; a message id of the
-- page before.
-- Definer: reads the private views. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`, CONVERSATION_NOT_FOUND (404),
-- MESSAGE_NOT_FOUND (404), RATE_LIMITED (429).
create or replace function private.search_messages(
  p_query text,
  p_conversation_id uuid,
  p_page_size integer,
  p_before uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 20, 100);
  v_query constant text := private.clean_text(p_query);
  v_words constant text[] := array(
    select w.word
    from regexp_split_to_table(
      v_query, '[\s\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+'
    ) as w (word)
    where w.word <> ''
  );
  v_patterns text[];
  v_before record;
begin
  if p_conversation_id is not null and not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  if v_words = '{}' or char_length(v_query) > 200 then
    perform private.raise_input_invalid('query', 'length', 'Search for 1 to 200 characters.');
  end if;
  perform private.check_text(v_query, 'query');
  perform private.limit_rate(v_me, 'search');
  select m.created_at, m.id into v_before
  from public.messages as m
  where m.id = p_before and private.is_my_conversation(m.conversation_id);
  if not found and p_before is not null then
    perform private.raise_error('MESSAGE_NOT_FOUND', 'There is no such message.', p_status => 404);
  end if;

  select array_agg('%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%') into v_patterns
  from unnest(v_words) as w (word);
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.created_at desc, page.id desc)
      from (
        select m.*, private.highlight_words(m.message, v_words) as highlight
        from private.find_messages(
          v_patterns, p_conversation_id, v_before.created_at, v_before.id, v_limit
        ) as hit
        join private.my_messages as m
          on m.conversation_id = hit.conversation_id and m.seq = hit.seq
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: messages that hold every word of the query, newest first; returns `[message +
-- {highlight: {text, ranges: [[start, length]]}}]`, positions in characters from 0.
create or replace function public.search_messages(
  query text,
  conversation_id uuid default null,
  page_size integer default 20,
  before uuid default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.search_messages(query, conversation_id, page_size, before);
$$;

revoke all on function private.search_messages(text, uuid, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.search_messages(text, uuid, integer, uuid) to authenticated;
revoke all on function public.search_messages(text, uuid, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.search_messages(text, uuid, integer, uuid) to authenticated;

-- source: 35_notifications/get_notifications.sql sha256:4b185d74b5987bacc2b7e0f41140171e3ae59700433cdf395726870a24d414c7
-- A page of what the caller was told beside the messages, newest first; for devices that were away.
--
-- Definer: notifications are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_notifications(p_page_size integer, p_before bigint)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 50, 100);
begin
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.id desc)
      from (
        select n.id, n.type, n.conversation_id, n.message_id, n.data, n.created_at
        from private.notifications as n
        where n.user_id = v_me and n.id < coalesce(p_before, 9223372036854775807)
        order by n.id desc
        limit v_limit
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: what the caller was told beside the messages, newest first; returns
-- `[{id, type, conversation_id, message_id, data, created_at}]`; `before` is an id of that list.
create or replace function public.get_notifications(
  page_size integer default 50,
  before bigint default null
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_notifications(page_size, before);
$$;

revoke all on function private.get_notifications(integer, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.get_notifications(integer, bigint) to authenticated;
revoke all on function public.get_notifications(integer, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.get_notifications(integer, bigint) to authenticated;

-- source: 35_notifications/notify.sql sha256:369076127c7a6c34e1c55a3baa7759977e9c7e79d7b52e38c398af2a566ca917
-- Notes something for a user, tells the user's devices, and queues a push.
--
-- Args: the user; one of the types of private.notifications; what it is about; what the client
-- gets beside that, ids and numbers only. A second note about the same message is the first one.
-- Writes: notifications, push_outbox, realtime.messages. Events: notification `{type, data}`.
create or replace function private.notify(
  p_user_id uuid,
  p_type text,
  p_conversation_id uuid,
  p_message_id uuid,
  p_data jsonb
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_data constant jsonb := p_data || jsonb_build_object(
    'conversation_id', p_conversation_id, 'message_id', p_message_id
  );
begin
  insert into private.notifications (user_id, type, conversation_id, message_id, data)
  values (p_user_id, p_type, p_conversation_id, p_message_id, p_data)
  on conflict (user_id, message_id) do nothing;
  if found then
    perform private.broadcast(
      array['notification'], array['user:' || p_user_id],
      array[jsonb_build_object('type', p_type, 'data', v_data)]
    );
    perform private.queue_push(p_user_id, p_type, v_data);
  end if;
end;
$$;

revoke all on function private.notify(uuid, text, uuid, uuid, jsonb)
from public, anon, authenticated, service_role;

-- source: 35_notifications/queue_push.sql sha256:d50c1dae98f37b60f47df632f7dd05cf985da81b1354de8a923645bade4d3880
-- Puts a push for each of a user's registered devices into the outbox. Ids only: what a push
-- service keeps is out of reach of the clock that hides messages.
--
-- Writes: push_outbox.
create or replace function private.queue_push(p_user_id uuid, p_type text, p_data jsonb)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into private.push_outbox (push_token_id, payload)
  select t.id, jsonb_build_object('type', p_type, 'data', p_data)
  from private.push_tokens as t
  where t.user_id = p_user_id
  -- A device that is being unregistered right now must not make its user's messages fail.
  for key share skip locked;
end;
$$;

revoke all on function private.queue_push(uuid, text, jsonb)
from public, anon, authenticated, service_role;

-- source: 35_notifications/record_push_result.sql sha256:5d0ec18d5c0473a969559d15379e485abc94c354879a902e5b825c6267f18583
-- Notes how a push went: sent, gone (the device will never take one again), or failed.
--
-- Definer: the outbox is private.
-- Writes: push_outbox, push_tokens.
-- Errors: INPUT_INVALID (422) for another result.
create or replace function private.record_push_result(p_push_id bigint, p_result text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  case p_result
    when 'sent' then
      delete from private.push_outbox as o where o.id = p_push_id;
    when 'gone' then
      delete from private.push_tokens as t
      where t.id = (select o.push_token_id from private.push_outbox as o where o.id = p_push_id);
    when 'failed' then
      null;  -- stays in the outbox until its next try
    else
      perform private.raise_input_invalid('result', 'one_of', 'sent, gone or failed.');
  end case;
  return json_build_object('push_id', p_push_id, 'result', p_result);
end;
$$;

-- RPC: service only; how a push went (sent, gone, failed); returns `{push_id, result}`.
create or replace function public.record_push_result(push_id bigint, result text)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.record_push_result(push_id, result);
$$;

revoke all on function private.record_push_result(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function private.record_push_result(bigint, text) to service_role;
revoke all on function public.record_push_result(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.record_push_result(bigint, text) to service_role;

-- source: 35_notifications/register_push_token.sql sha256:00734aa0335bd32181791e54da60ca36073e94d542bfa52260c4e821a1bc1e1b
-- Registers one of the caller's devices for pushes: the ten newest of them. A device belongs to
-- who registered it last.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: push_tokens, push_outbox (what waits for a lost device).
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`.
create or replace function private.register_push_token(p_kind text, p_token text, p_keys jsonb)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_max_devices constant integer := 10;
  -- 65 and 16 bytes in base64url (RFC 8291, section 3).
  c_p256dh constant text := '^[A-Za-z0-9_-]{87}=?$';
  c_auth constant text := '^[A-Za-z0-9_-]{22}(==)?$';
  v_me constant uuid := private.require_user();
  -- Our own server will call this address.
  v_fault constant text := private.find_url_fault(coalesce(p_token, ''));
begin
  if p_kind is distinct from 'web_push' then
    perform private.raise_input_invalid('kind', 'one_of', 'The kind is web_push.');
  end if;
  if v_fault is not null then
    perform private.raise_input_invalid('token', v_fault, 'Pass the endpoint of the device.');
  end if;
  if coalesce(p_keys ->> 'p256dh' !~ c_p256dh or p_keys ->> 'auth' !~ c_auth, true) then
    perform private.raise_input_invalid(
      'keys', 'web_push', 'Pass keys {p256dh, auth} of the PushSubscription.'
    );
  end if;
  perform private.lock_account(v_me);
  -- What waits for the device's former owner goes with that owner's row.
  delete from private.push_tokens as t where t.token = p_token and t.user_id <> v_me;
  insert into private.push_tokens as t (user_id, kind, token, keys)
  values (
    v_me, p_kind, p_token,
    jsonb_build_object('p256dh', p_keys ->> 'p256dh', 'auth', p_keys ->> 'auth')
  )
  on conflict (token) do update set keys = excluded.keys, created_at = now();
  delete from private.push_tokens as t
  where t.id in (
    select old.id
    from private.push_tokens as old
    where old.user_id = v_me
    order by old.created_at desc, old.id
    offset c_max_devices
  );
  return json_build_object('registered', true);
end;
$$;

-- RPC: registers a device for pushes (`PushSubscription` of a browser: its endpoint as token, its
-- keys); returns `{registered}`.
create or replace function public.register_push_token(
  kind text,
  token text,
  keys jsonb default '{}'
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.register_push_token(kind, token, keys);
$$;

revoke all on function private.register_push_token(text, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function private.register_push_token(text, text, jsonb) to authenticated;
revoke all on function public.register_push_token(text, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.register_push_token(text, text, jsonb) to authenticated;

-- source: 35_notifications/take_pushes.sql sha256:25492814a9b5420b33a06ff0849cda04558d83e0dc22f52ae330fd6d1793d98f
-- Hands a batch of due pushes to a sender. Each comes again a minute later, then two, four and so
-- on, until record_push_result says how it went; after eight tries or a day it is given up.
--
-- Definer: the outbox is private.
-- Locks, writes: the rows of push_outbox that it takes; those that another sender holds are passed
-- over.
create or replace function private.take_pushes(p_max_rows integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_max_attempts constant integer := 8;
  c_max_age constant interval := interval '1 day';
  v_pushes json;
begin
  delete from private.push_outbox as o
  where o.id in (
    select late.id
    from private.push_outbox as late
    where late.due_at <= now()
      and (late.attempts >= c_max_attempts or late.created_at < now() - c_max_age)
    for update skip locked
  );
  with taken as (
    update private.push_outbox as o
    set attempts = o.attempts + 1, due_at = now() + interval '1 minute' * 2 ^ o.attempts
    where o.id in (
      select due.id
      from private.push_outbox as due
      where due.due_at <= now()
      order by due.due_at
      limit private.clamp_page_size(p_max_rows, 20, 100)
      for update skip locked
    )
    returning o.id, o.payload, o.push_token_id
  )
  select coalesce(
    json_agg(
      json_build_object(
        'push_id', taken.id, 'kind', t.kind, 'token', t.token, 'keys', t.keys,
        'payload', taken.payload
      )
      order by taken.id
    ),
    '[]'
  )
  into v_pushes
  from taken
  join private.push_tokens as t on t.id = taken.push_token_id;
  return v_pushes;
end;
$$;

-- RPC: service only; due pushes as `[{push_id, kind, token, keys, payload}]`.
create or replace function public.take_pushes(max_rows integer default 20)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.take_pushes(max_rows);
$$;

revoke all on function private.take_pushes(integer) from public, anon, authenticated, service_role;
grant execute on function private.take_pushes(integer) to service_role;
revoke all on function public.take_pushes(integer) from public, anon, authenticated, service_role;
grant execute on function public.take_pushes(integer) to service_role;

-- source: 35_notifications/unregister_push_token.sql sha256:7ac4c5487eb7ae6277dd3e2369360fd4fb43d75aa0a2ba850efa8c0d5aba2f51
-- Stops pushes to one of the caller's devices, and forgets what waited for it.
--
-- Definer: clients have no write grant on any table.
-- Writes: push_tokens, push_outbox.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.unregister_push_token(p_token text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  delete from private.push_tokens as t where t.user_id = v_me and t.token = p_token;
  return json_build_object('unregistered', found);
end;
$$;

-- RPC: stops pushes to a device; returns `{unregistered}`.
create or replace function public.unregister_push_token(token text)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.unregister_push_token(token);
$$;

revoke all on function private.unregister_push_token(text)
from public, anon, authenticated, service_role;
grant execute on function private.unregister_push_token(text) to authenticated;
revoke all on function public.unregister_push_token(text)
from public, anon, authenticated, service_role;
grant execute on function public.unregister_push_token(text) to authenticated;

-- source: 45_safety/block_user.sql sha256:64b53b3d87fed0ed5cf649b981da2d200da6058b23e109c970919adfdc1aa17a
-- Stops all free text between the caller and another user, at once and in both directions.
--
-- Definer: clients have no write grant on any table.
-- Locks: both accounts, so that a send either came before or finds the block. Writes: blocks,
-- participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for oneself, USER_NOT_FOUND (404).
create or replace function private.block_user(p_user_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  perform private.lock_pair(v_me, p_user_id);
  insert into public.blocks (blocker_id, blocked_id)
  values (v_me, p_user_id)
  on conflict (blocker_id, blocked_id) do nothing;
  return json_build_object('user_id', p_user_id, 'blocked', true);
end;
$$;

-- RPC: stops messages between the caller and a user; returns `{user_id, blocked}`.
create or replace function public.block_user(user_id uuid)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.block_user(user_id);
$$;

revoke all on function private.block_user(uuid) from public, anon, authenticated, service_role;
grant execute on function private.block_user(uuid) to authenticated;
revoke all on function public.block_user(uuid) from public, anon, authenticated, service_role;
grant execute on function public.block_user(uuid) to authenticated;

-- source: 45_safety/lock_pair.sql sha256:9aa10f1cc91ab04da518a03f37f61f99d690e46f45a22ef3a295b7f434d5fa3f
-- Locks the accounts of two users before it changes what they may do to each other, and lets both
-- see that something did: whatever either of them was sending is done before, or comes after.
--
-- Locks: both accounts, then their rows of private.participants, each in the order of their ids.
-- Writes: participants.
-- Errors: INPUT_INVALID (422) for one and the same user, USER_NOT_FOUND (404).
create or replace function private.lock_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation_ids uuid[];
begin
  if p_user_id = p_other_id then
    perform private.raise_input_invalid('user_id', 'not_yourself', 'This is your own id.');
  end if;
  if not exists (select from public.users as u where u.id = p_other_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  perform 1 from private.accounts as a
  where a.user_id in (p_user_id, p_other_id)
  order by a.user_id
  for no key update;
  v_conversation_ids := array(
    select c.id
    from public.conversations as c
    where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  );
  perform 1 from private.participants as p
  where p.conversation_id = any (v_conversation_ids)
  order by p.conversation_id, p.user_id
  for no key update;
  update private.participants as p
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1,
    typing_until = null
  where p.conversation_id = any (v_conversation_ids);
end;
$$;

revoke all on function private.lock_pair(uuid, uuid)
from public, anon, authenticated, service_role;

-- source: 45_safety/report_message.sql sha256:7afb05a8b0f0909ba0248248afeafd71c0c10ea682677ade7aaa7ff3884e6751
-- Reports a message to the operators, with what the reporter sees of it and the ten before it.
--
-- The evidence is a copy, so that neither expiry nor scrubbing takes it away.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: reports, rate_limits. A repeat is the first report.
-- Errors: AUTH_REQUIRED (401), MESSAGE_NOT_FOUND (404), INPUT_INVALID (422), RATE_LIMITED (429).
create or replace function private.report_message(
  p_message_id uuid,
  p_reason text,
  p_details text
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_context constant integer := 10;
  v_me constant uuid := private.require_user();
  v_details constant text := nullif(private.clean_text(p_details), '');
  v_message record;
  v_report private.reports;
begin
  select m.id, m.conversation_id, m.seq into v_message
  from private.my_messages as m
  where m.conversation_id = (
      select s.conversation_id from public.messages as s where s.id = p_message_id
    )
    and m.id = p_message_id;
  if not found then
    perform private.raise_error('MESSAGE_NOT_FOUND', 'There is no such message.', p_status => 404);
  end if;
  if p_reason is null
    or p_reason not in ('spam', 'abuse', 'fraud', 'nudity', 'impersonation', 'other') then
    perform private.raise_input_invalid(
      'reason', 'one_of', 'spam, abuse, fraud, nudity, impersonation or other.'
    );
  end if;
  perform private.check_text(v_details, 'details');
  if char_length(v_details) > 1000 then
    perform private.raise_input_invalid('details', 'length', 'At most 1000 characters.');
  end if;

  perform private.lock_account(v_me);
  select r.* into v_report
  from private.reports as r
  where r.reporter_id = v_me and r.message_id = p_message_id;
  if not found then
    perform private.limit_rate(v_me, 'report');
    insert into private.reports (
      reporter_id, message_id, conversation_id, reason, details, evidence
    )
    select
      v_me, v_message.id, v_message.conversation_id, p_reason, v_details,
      (
        select jsonb_agg(to_jsonb(m) order by m.seq)
        from private.my_messages as m
        where m.conversation_id = v_message.conversation_id
          and m.seq between v_message.seq - c_context and v_message.seq
      )
    returning * into v_report;
  end if;
  return json_build_object('report_id', v_report.id, 'created_at', v_report.created_at);
end;
$$;

-- RPC: reports a message (spam, abuse, fraud, nudity, impersonation, other); returns
-- `{report_id, created_at}`.
create or replace function public.report_message(
  message_id uuid,
  reason text,
  details text default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.report_message(message_id, reason, details);
$$;

revoke all on function private.report_message(uuid, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.report_message(uuid, text, text) to authenticated;
revoke all on function public.report_message(uuid, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.report_message(uuid, text, text) to authenticated;

-- source: 45_safety/set_privacy.sql sha256:23a8e9bcf7594f0eebe64d5821f8af207a61a12fa1aaf9d92a3a034973059d54
-- Decides what others learn of the caller: when last seen, and what was read. Null: unchanged.
--
-- Who hides read marks does not see those of others either.
-- Definer: accounts are private.
-- Locks, writes: accounts (the caller's), participants (version).
-- Errors: AUTH_REQUIRED (401).
create or replace function private.set_privacy(
  p_last_seen boolean,
  p_read_receipts boolean
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_account private.accounts;
begin
  perform private.lock_account(v_me);
  update private.accounts as a
  set
    shares_last_seen = coalesce(p_last_seen, a.shares_last_seen),
    shares_read_receipts = coalesce(p_read_receipts, a.shares_read_receipts)
  where a.user_id = v_me
  returning a.* into v_account;
  perform private.touch_conversations(v_me);
  return json_build_object(
    'last_seen', v_account.shares_last_seen, 'read_receipts', v_account.shares_read_receipts
  );
end;
$$;

-- RPC: shows or hides the caller's last visit and read marks; returns
-- `{last_seen, read_receipts}`.
create or replace function public.set_privacy(
  last_seen boolean default null,
  read_receipts boolean default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.set_privacy(last_seen, read_receipts);
$$;

revoke all on function private.set_privacy(boolean, boolean)
from public, anon, authenticated, service_role;
grant execute on function private.set_privacy(boolean, boolean) to authenticated;
revoke all on function public.set_privacy(boolean, boolean)
from public, anon, authenticated, service_role;
grant execute on function public.set_privacy(boolean, boolean) to authenticated;

-- source: 45_safety/unblock_user.sql sha256:a71c61d3d5bb43d4c39dc38bae0b96df6e62b30ac8432a573623daede260841b
-- Takes the caller's own block of a user back; a block by the other side stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: both accounts, so that a send either came before or finds the block. Writes: blocks,
-- participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for oneself, USER_NOT_FOUND (404).
create or replace function private.unblock_user(p_user_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  perform private.lock_pair(v_me, p_user_id);
  delete from public.blocks as b where b.blocker_id = v_me and b.blocked_id = p_user_id;
  return json_build_object('user_id', p_user_id, 'blocked', false);
end;
$$;

-- RPC: takes a block of the caller back; returns `{user_id, blocked}`.
create or replace function public.unblock_user(user_id uuid)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.unblock_user(user_id);
$$;

revoke all on function private.unblock_user(uuid) from public, anon, authenticated, service_role;
grant execute on function private.unblock_user(uuid) to authenticated;
revoke all on function public.unblock_user(uuid) from public, anon, authenticated, service_role;
grant execute on function public.unblock_user(uuid) to authenticated;

-- source: 55_cleanup/drop_stale_pushes.sql sha256:aa6d9090ca24483ac3e7876847c740ebaa4190dcc68e02df4a1713b90da84d2a
-- Forgets a user's pushes that nobody has sent within a day, as where no sender is set up.
--
-- Locks, writes: push_outbox; rows that a sender holds are passed over.
create or replace function private.drop_stale_pushes(p_user_id uuid)
returns void
language sql
security invoker
set search_path = ''
as $$
  delete from private.push_outbox as o
  where o.id in (
    select stale.id
    from private.push_tokens as t
    join private.push_outbox as stale on stale.push_token_id = t.id
    where t.user_id = p_user_id and stale.created_at < now() - interval '1 day'
    for update of stale skip locked
  );
$$;

revoke all on function private.drop_stale_pushes(uuid)
from public, anon, authenticated, service_role;

-- source: 55_cleanup/flag_expired.sql sha256:5084b3d3e46514fdadcddadaa1d13f30d282b9c46f9cbc96140085ed1590f6a3
-- Flags a batch of a user's expired messages and says how many.
--
-- The account remembers up to when everything is flagged, so that a login with nothing to do looks
-- at no message. Args: the locked account.
-- Locks, writes: messages (those that another session holds are left for the next time), accounts
-- (flagged_until).
create or replace function private.flag_expired(p_account private.accounts)
returns integer
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_me constant uuid := p_account.user_id;
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from private.list_expired(v_me, p_account.flagged_until, now()) as expired
    join public.messages as m
      on m.conversation_id = expired.conversation_id and m.seq = expired.seq
    where not expired.is_expired
    order by expired.expires_at
    limit private.get_number('cleanup_batch')::integer
    for no key update of m skip locked
  )
  update public.messages as m
  set is_expired = true, updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq and not m.is_expired;
  get diagnostics v_count = row_count;

  update private.accounts as a
  set flagged_until = coalesce(
    (
      select min(left_over.expires_at)
      from private.list_expired(v_me, p_account.flagged_until, now()) as left_over
      where not left_over.is_expired
    ),
    now()
  )
  where a.user_id = v_me;
  return v_count;
end;
$$;

revoke all on function private.flag_expired(private.accounts)
from public, anon, authenticated, service_role;

-- source: 55_cleanup/list_expired.sql sha256:c4a39a173e87f7053d4d7ac169719f78b56aa70524f56e26bdb7ddf1e0c19113
-- A user's messages that expired in a span of time and still hold their content, sent or received.
--
-- Two scans of an index each instead of one condition with "or", so that a span without any costs
-- nothing however much the user has written.
create or replace function private.list_expired(
  p_user_id uuid,
  p_from timestamptz,
  p_until timestamptz
)
returns table (conversation_id uuid, seq bigint, expires_at timestamptz, is_expired boolean)
language plpgsql
stable
security invoker
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

revoke all on function private.list_expired(uuid, timestamptz, timestamptz)
from public, anon, authenticated, service_role;

-- source: 55_cleanup/login_cleanup.sql sha256:fdf3c1fcd5e0f39b9184bd2ed5bf9d0ded92e20b754ada999d6f1ef1abe303de
-- Does what is due for the caller: flags messages that have expired, empties those whose grace is
-- over. A bounded batch at a time, at most once a minute; needs no timer, since readers never see
-- an expired message anyway.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, then messages of the caller's conversations; rows that another
-- session holds are passed over. Writes: accounts, messages, push_outbox.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pause constant interval := interval '1 minute';
  v_me constant uuid := private.require_user();
  v_account private.accounts;
  v_throttled boolean;
  v_expired integer := 0;
  v_scrubbed integer := 0;
begin
  v_account := private.lock_account(v_me);
  v_throttled := v_account.cleaned_at > now() - c_pause;
  if not v_throttled then
    v_expired := private.flag_expired(v_account);
    v_scrubbed := private.scrub_expired(v_me);
    perform private.drop_stale_pushes(v_me);
    update private.accounts as a
    set cleaned_at = now(), last_seen_at = now()
    where a.user_id = v_me;
  end if;
  return json_build_object(
    'expired', v_expired, 'scrubbed', v_scrubbed, 'deadlines_run', 0, 'throttled', v_throttled
  );
end;
$$;

-- RPC: cleans up at login; returns `{expired, scrubbed, deadlines_run, throttled}`.
create or replace function public.login_cleanup()
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.login_cleanup();
$$;

revoke all on function private.login_cleanup() from public, anon, authenticated, service_role;
grant execute on function private.login_cleanup() to authenticated;
revoke all on function public.login_cleanup() from public, anon, authenticated, service_role;
grant execute on function public.login_cleanup() to authenticated;

-- source: 55_cleanup/scrub_expired.sql sha256:36e66215eb3fea7ff208c608c82cddce59e5f8b038aade8307fc19b64e953558
-- Empties a batch of a user's messages that expired longer ago than the grace, and says how many.
--
-- The row and its number stay, its text and media go. Nothing goes from a conversation under a
-- legal hold, and nothing at all while setting expired_grace_days is null.
-- Locks, writes: messages.
create or replace function private.scrub_expired(p_user_id uuid)
returns integer
language plpgsql
security invoker
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
  set message = '', media_url = null, is_expired = true, scrubbed_at = now(), updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

revoke all on function private.scrub_expired(uuid)
from public, anon, authenticated, service_role;

-- source: 60_triggers/create_account_at_sign_up.sql sha256:266aab690e57943240700be4a5eea62db1c823e8ce39d7d89f0301098a75e031
-- Gives every new login its card and account in the transaction of the sign-up.
--
-- Definer: Auth inserts the login as its own role, which may not write our tables.
create or replace function private.create_account_at_sign_up()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.create_account(new.id);
  return null;
end;
$$;

revoke all on function private.create_account_at_sign_up()
from public, anon, authenticated, service_role;

create or replace trigger create_account_at_sign_up
after insert on auth.users
for each row execute function private.create_account_at_sign_up();

-- source: 60_triggers/keep_points_ledger.sql sha256:c1057a6bad9bcecdcaaeccfdc5cab948f853d2d470164a78bfc630644ed31dee
-- Refuses to change or delete what stands in the points ledger, whoever asks.
--
-- Errors: 23001 (restrict_violation); no RPC ever gets there.
create or replace function private.keep_points_ledger()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  raise exception 'the points ledger is append-only: add a correcting entry'
    using errcode = 'restrict_violation';
end;
$$;

revoke all on function private.keep_points_ledger()
from public, anon, authenticated, service_role;

create or replace trigger keep_points_ledger
before update or delete or truncate on private.points_ledger
for each statement execute function private.keep_points_ledger();

-- source: 60_triggers/remove_account_with_login.sql sha256:ead05dd2afd8c6231a0bb97e88b05ad039a2fc4550619006c510393e78537a97
-- Takes a deleted login's account away and empties its card; its conversations stay, for the other
-- side. A token of the login that still lives can no longer write.
--
-- Definer: Auth deletes the login as its own role, which may not write our tables.
-- Locks, writes: accounts, push_tokens, admins, users, participants (version), in this order.
create or replace function private.remove_account_with_login()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from private.accounts as a where a.user_id = old.id;
  delete from private.push_tokens as t where t.user_id = old.id;
  delete from private.admins as a where a.user_id = old.id;
  update public.users as u
  set role = null, display_name = null, avatar_url = null, updated_at = now()
  where u.id = old.id;
  perform private.touch_conversations(old.id);
  return null;
end;
$$;

revoke all on function private.remove_account_with_login()
from public, anon, authenticated, service_role;

create or replace trigger remove_account_with_login
after delete on auth.users
for each row execute function private.remove_account_with_login();

-- source: 70_policies/blocks.sql sha256:0de27e93fbc38e8899c07061844d100257b464a6c63a0dfd5a2c2011141fc561
-- Whom somebody blocks is nobody else's business, also not of the one who is blocked.
drop policy if exists blocks_select_own on public.blocks;
create policy blocks_select_own on public.blocks
for select to authenticated
using (blocker_id = (select auth.uid()));

-- source: 70_policies/conversations.sql sha256:785ab6e5fcd424b16a001b9ebfa267448cd662de8cc3b0827d952b2d048b5402
-- A conversation is its members' alone.
drop policy if exists conversations_select_member on public.conversations;
create policy conversations_select_member on public.conversations
for select to authenticated
using (id = any((select private.list_my_conversation_ids())::uuid[]));

-- source: 70_policies/messages.sql sha256:1a71392e17e7826b9924ec56281f93db7aca1dd926175fbda508d3accb0e48c6
-- A message is for the members of its conversation, or for the one it names, until it expires.
--
-- The second and third condition are those of private.visible_messages; a test compares them.
drop policy if exists messages_select_member on public.messages;
create policy messages_select_member on public.messages
for select to authenticated
using (
  conversation_id = any((select private.list_my_conversation_ids())::uuid[])
  and (visible_to = 'all' or (select auth.uid()) in (sender_id, receiver_id))
  and (expires_at is null or expires_at > now())
);

-- source: 70_policies/realtime_messages.sql sha256:679b1e311be846e951b43dd70a73f523b7d55b91d8035ce2740378d6905fb4c1
-- Who may hear a private channel, and who may speak on it; see private.is_my_topic.
--
-- Realtime probes these with an empty row: they may look at the topic, the extension and the
-- caller only.
drop policy if exists realtime_messages_select_own_topic on realtime.messages;
create policy realtime_messages_select_own_topic on realtime.messages
for select to authenticated
using ((select private.is_my_topic(realtime.topic(), p_speak => false)));

drop policy if exists realtime_messages_insert_own_topic on realtime.messages;
create policy realtime_messages_insert_own_topic on realtime.messages
for insert to authenticated
with check (
  extension in ('broadcast', 'presence')
  and (select private.is_my_topic(realtime.topic(), p_speak => true))
);

-- source: 70_policies/users.sql sha256:ce66039511f80dcf39208a33f69207bfa6f25c784cdf93063b17ed785810aa74
-- Every signed-in user may see every card: anybody may chat with anybody.
drop policy if exists users_select_signed_in on public.users;
create policy users_select_signed_in on public.users
for select to authenticated
using (true);
