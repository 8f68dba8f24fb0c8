-- Add chat: built from supabase/functions_sql by scripts/build_migrations.py.

-- A function may call one that is created further down.
set check_function_bodies = off;

-- source: 10_private/broadcast.sql sha256:c509a231e1b9aa2342a4fe9e91ed67531ab318127d75ee9770ff818aa8c7c655
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

-- source: 10_private/check_known.sql sha256:98916483353ead57b51eae2b1c49c04faa6876431eeea21ac089e05de30535a8
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
  c_uuid constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  if exists (
    select from jsonb_each(p_known) as k (id, seq)
    where k.id !~ c_uuid or jsonb_typeof(k.seq) <> 'number' or k.seq::text !~ '^[0-9]{1,18}$'
  ) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs', 'Each key is a conversation id, each value its last seq.'
    );
  end if;
end;
$$;

revoke all on function private.check_known(jsonb) from public, anon, authenticated, service_role;

-- source: 10_private/check_media_url.sql sha256:2177e062e75f6b3dc4128afd6a2ee07d8516f7956761e47dd8ad5092b56089e7
-- Refuses a media URL that a client should not be made to load.
--
-- Allowed: plain ASCII (RFC 3986), https, a DNS name (no IP address, no local name), no credentials, port 443, at most
-- 2,048 characters, a host that the setting media_hosts lists (JSON null: any).
-- Errors: MEDIA_INVALID (422) `{rule}`: length, characters, scheme, credentials, port, host,
-- host_not_allowed.
create or replace function private.check_media_url(p_url text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_authority constant text := lower(substring(p_url from '^[Hh][Tt][Tt][Pp][Ss]://([^/?#]*)'));
  v_host constant text := regexp_replace(v_authority, ':[0-9]*$', '');
  v_port constant text := substring(v_authority from ':([0-9]*)$');
  v_rule text;
begin
  v_rule := case
    when char_length(p_url) > 2048 then 'length'
    when p_url ~ '[^!-~]|[<>"\\^`{|}]' then 'characters'
    when v_authority is null then 'scheme'
    when position('@' in v_authority) > 0 then 'credentials'
    when coalesce(v_port, '443') <> '443' then 'port'
    -- The last label starts with a letter, which no spelling of an IPv4 address does.
    when v_host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'
      or char_length(v_host) > 253
      or v_host ~ '\.(localhost|local|internal|arpa|invalid|test)$' then 'host'
    when not private.is_media_host_allowed(v_host) then 'host_not_allowed'
  end;
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

-- source: 10_private/clean_text.sql sha256:10f2a2e0394811cde80ec257740b4bd634d0301d8152bc928780e5b0c3339e7d
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
  c_space constant text := e' \n\t\u00a0\u2002\u2003\u2009\u200b\u2060\u3000\ufeff';
  v_text text := replace(replace(p_text, e'\r\n', e'\n'), e'\r', e'\n');
begin
  v_text := regexp_replace(v_text, '[\u202a-\u202e\u2066-\u2069]', '', 'g');
  return btrim(normalize(v_text, nfc), c_space);
end;
$$;

revoke all on function private.clean_text(text) from public, anon, authenticated, service_role;

-- source: 10_private/get_setting.sql sha256:b4afe6c79c858af62f0b141e020234dc27cd8a97066e92b2aafad9324faea0ca
-- The value of an operator's setting; JSON null when it is switched off.
create or replace function private.get_setting(p_key text)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select s.value from private.settings as s where s.key = p_key;
$$;

revoke all on function private.get_setting(text) from public, anon, authenticated, service_role;

-- source: 10_private/is_blocked.sql sha256:e55b8bd38d0b3fecb45c282c3287d34fd00d384134d16dcf762d5906e4cfe6d8
-- Whether one of the two users blocks the other, in either direction.
create or replace function private.is_blocked(p_user_id uuid, p_other_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from public.blocks as b where b.blocker_id = p_user_id and b.blocked_id = p_other_id
  ) or exists (
    select from public.blocks as b where b.blocker_id = p_other_id and b.blocked_id = p_user_id
  );
$$;

revoke all on function private.is_blocked(uuid, uuid)
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

-- source: 10_private/is_my_conversation.sql sha256:4ba17305d4e22cc5f956b81a5f53a4e2a8be8579bcb4d563be085567c6304a59
-- Whether the caller is a member of the conversation.
create or replace function private.is_my_conversation(p_conversation_id uuid)
returns boolean
language sql
stable
security invoker
set search_path = ''
as $$
  select exists (
    select from private.participants as p
    where p.conversation_id = p_conversation_id and p.user_id = (select auth.uid())
  );
$$;

revoke all on function private.is_my_conversation(uuid)
from public, anon, authenticated, service_role;

-- source: 10_private/is_my_topic.sql sha256:3d9e49f9fdb8dc4ab6b9afe4403dfe2c0c4ce930f28123f927f7fd3a69d11c94
-- Whether a Realtime topic is the caller's: for hearing it, or also for speaking on it.
--
-- `user:<uid>` is heard by that user and spoken on by nobody; `conversation:<id>` is both for its
-- members, and carries typing and presence only.
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
    else false
  end;
end;
$$;

revoke all on function private.is_my_topic(text, boolean)
from public, anon, authenticated, service_role;
grant execute on function private.is_my_topic(text, boolean) to authenticated;

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

-- source: 10_private/require_user.sql sha256:c82ecd3e02bd686ff1fef524bfac8b92e583e5b5b27219307e52fcc3d2f5bdc4
-- The caller's id, from the token that PostgREST has checked.
--
-- Errors: AUTH_REQUIRED (401) when the token names no user.
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
  return v_user_id;
end;
$$;

revoke all on function private.require_user() from public, anon, authenticated, service_role;

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

-- source: 15_views/my_conversations.sql sha256:6956aa2af23223bd019b13db060a154b4ce077fba44f27d4da9f6209b59f5e4b
-- Every conversation of the caller, as the caller sees it now, in the shape that clients get
-- ("context").
--
-- version grows with whatever changes here for either member: a step of the flow, a message, a
-- receipt, a preference. Both members see the same number.
-- Runs with its owner's rights; nobody else has a grant on it.
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
  c.version + c.last_seq + me.version + other.version as version,
  c.last_seq,
  me.read_seq,
  other.read_seq as other_read_seq,
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
    'last_seen_at', a.last_seen_at
  ) as other_party,
  coalesce(me.archived_seq = c.last_seq, false) as archived,
  me.pinned_at is not null as pinned,
  me.muted_until,
  c.chat_status = 'real_time'
    and not private.is_blocked(me.user_id, other.user_id) as free_text_allowed,
  c.created_at,
  c.updated_at,
  now() as server_now
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
join public.conversations as c on c.id = me.conversation_id
join public.users as u on u.id = other.user_id
left join private.accounts as a on a.user_id = other.user_id
where me.user_id = (select auth.uid());

revoke all on private.my_conversations from public, anon, authenticated, service_role;

-- source: 15_views/my_messages.sql sha256:c3d31ca0c8cd15ccb7035f9161231293e8799363de0ff50c5d28d6ab3bb52211
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
cross join lateral (
  select
    case when m.sender_id = me.user_id then other.read_seq else me.read_seq end as read_seq,
    case when m.sender_id = me.user_id then other.read_at else me.read_at end as read_at,
    case
      when m.sender_id = me.user_id then other.delivered_seq
      else me.delivered_seq
    end as delivered_seq
) as reader
where me.user_id = (select auth.uid());

revoke all on private.my_messages from public, anon, authenticated, service_role;

-- source: 20_accounts/complete_profile.sql sha256:021ff48585bd099b837c3ec897af6d2dd56370f984990cde0bb3b3dd57e95fd7
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
  if v_name is null or char_length(v_name) not between 1 and 80 or v_name like e'%\n%' then
    perform private.raise_input_invalid(
      'display_name', 'length', 'A name is one line of 1 to 80 characters.'
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
  -- The other sides' contexts show this card.
  update private.participants as p set version = p.version + 1 where p.user_id = v_me;

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

-- source: 20_accounts/create_account.sql sha256:21a42ff1808390c1828f1374d7945d43a7aa5cfc48378b5b9cc6b19753df3e7e
-- Gives a login its card and its account; one that has them is left alone.
create or replace function private.create_account(p_user_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into public.users (id) values (p_user_id) on conflict (id) do nothing;
  insert into private.accounts (user_id) values (p_user_id) on conflict (user_id) do nothing;
end;
$$;

revoke all on function private.create_account(uuid) from public, anon, authenticated, service_role;

-- source: 20_accounts/lock_account.sql sha256:1ef8918fa030f393d9bf0e0bf4fee8e4c20a9236592f05b7ca1345941395e218
-- Locks the caller's account until the transaction ends: the first lock of every write that
-- sends, so that one user's sends follow each other and locks are always taken in one order.
-- Also notes that the user was just here.
--
-- Locks, writes: the account's row; made on demand for a login that has none.
-- Errors: AUTH_REQUIRED (401) when the login is gone although its token still lives.
create or replace function private.lock_account(p_user_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.accounts as a set last_seen_at = now() where a.user_id = p_user_id;
  if found then
    return;
  end if;
  if not exists (select from auth.users as u where u.id = p_user_id) then
    perform private.raise_error('AUTH_REQUIRED', 'This login is gone.', p_status => 401);
  end if;
  perform private.create_account(p_user_id);
  update private.accounts as a set last_seen_at = now() where a.user_id = p_user_id;
end;
$$;

revoke all on function private.lock_account(uuid) from public, anon, authenticated, service_role;

-- source: 30_chat/advance_receipts.sql sha256:93b50cf980969a61669c876a373493c4fe7363d68c9e59474a48a5e8a220a0c7
-- Moves a member's watermarks forward, never back, and tells both members what moved.
--
-- Args: the member; conversations, and for each how far everything was read and how far it was
-- delivered (0: unchanged). Marks are cut at the newest message; what was read was delivered.
-- Locks, writes: the member's rows, in the order of their ids.
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
      ) as delivered_seq
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
      version = p.version + 1
    from marks as mark
    where p.conversation_id = mark.conversation_id
      and p.user_id = p_user_id
      and (mark.read_seq, mark.delivered_seq) <> (mark.old_read_seq, mark.old_delivered_seq)
    returning mark.*
  ),
  steps as (
    select 'message_delivered' as event, conversation_id, delivered_seq as seq,
      jsonb_build_object('delivered_at', now()) as at
    from moved
    where delivered_seq > old_delivered_seq
    union all
    select 'message_seen', conversation_id, read_seq, jsonb_build_object('read_at', now())
    from moved
    where read_seq > old_read_seq
  ),
  told as (
    select
      step.event,
      member.user_id,
      step.at || jsonb_build_object(
        'conversation_id', step.conversation_id,
        'message_id', private.find_shared_message(step.conversation_id, step.seq),
        'seq', step.seq,
        'user_id', p_user_id
      ) as payload
    from steps as step
    join private.participants as member on member.conversation_id = step.conversation_id
  ),
  sent as (
    select private.broadcast(t.event, array_agg(t.user_id), array_agg(t.payload))
    from told as t
    group by t.event
    order by t.event
  )
  select count(*) from sent;
$$;

revoke all on function private.advance_receipts(uuid, uuid[], bigint[], bigint[])
from public, anon, authenticated, service_role;

-- source: 30_chat/append_message.sql sha256:17653763c780b31e9bca719a8262a273278cb7ddf8895d848a1777ed06ac4e3d
-- Adds a message to a conversation whose row the caller has locked, and tells who may see it.
--
-- Args: the message; seq, id and times in it are ignored, they are given here.
-- Returns the row as stored. Writes: conversations (head), messages, realtime.messages.
create or replace function private.append_message(p_message public.messages)
returns public.messages
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
  v_message public.messages;
  v_listeners uuid[];
  v_payload jsonb;
begin
  update public.conversations as c
  set
    last_seq = c.last_seq + 1,
    last_message_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where c.id = p_message.conversation_id
  returning c.* into strict v_conversation;

  insert into public.messages (
    conversation_id, seq, sender_id, receiver_id, message, media_url, message_type, visible_to,
    action_required, action_data, reply_to, client_message_id, expires_at, created_at, updated_at
  )
  values (
    v_conversation.id, v_conversation.last_seq, p_message.sender_id, p_message.receiver_id,
    coalesce(p_message.message, ''), p_message.media_url, p_message.message_type,
    coalesce(p_message.visible_to, 'all'), coalesce(p_message.action_required, false),
    p_message.action_data, p_message.reply_to, p_message.client_message_id, p_message.expires_at,
    v_conversation.last_message_at, v_conversation.last_message_at
  )
  returning * into v_message;

  v_listeners := case
    when v_message.visible_to = 'all' then array[v_conversation.user_a, v_conversation.user_b]
    else array[v_message.receiver_id]
  end;
  v_payload := jsonb_build_object(
    'conversation_id', v_conversation.id,
    'message', private.message_json(v_message),
    'conversation_context', private.conversation_headline(v_conversation)
  );
  perform private.broadcast(
    'new_message', v_listeners, array_fill(v_payload, array[cardinality(v_listeners)])
  );
  return v_message;
end;
$$;

revoke all on function private.append_message(public.messages)
from public, anon, authenticated, service_role;

-- source: 30_chat/append_system_message.sql sha256:0ace541f30faf6babd45059051d05e5e349083a7e9cf54d25a1bbcb78bdeda47
-- Adds a message of the system itself, to both members.
--
-- Call it with the conversation's row locked, or just made.
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
  v_message.conversation_id := p_conversation_id;
  v_message.sender_id := c_system_user_id;
  v_message.message := p_text;
  v_message.message_type := 'system';
  perform private.append_message(v_message);
end;
$$;

revoke all on function private.append_system_message(uuid, text)
from public, anon, authenticated, service_role;

-- source: 30_chat/check_free_text.sql sha256:d21ee9d86eee8bf619184beba613360907eebfe89132a8030bb2603f275a9138
-- Refuses free text where a conversation is not open for it.
--
-- Errors: CHAT_CLOSED (409), FLOW_STATE_INVALID (409) `{current_state, required_state,
-- awaiting_role}`, BLOCKED (403) in both directions.
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
        'awaiting_role', p_conversation.awaiting_role
      ),
      p_status => 409, p_hint => 'Call get_available_actions to see what can be done now.'
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

-- source: 30_chat/check_message.sql sha256:fee275a3d16be9de1856affa4197fb4cf2a685e050a5c3cb9aa2b804634766ec
-- Refuses a message that says nothing, says too much, or points where it must not.
--
-- Errors: MESSAGE_EMPTY (422), MESSAGE_TOO_LONG (422) `{length, max}` in characters,
-- INPUT_INVALID (422) for control characters, MEDIA_INVALID (422) `{rule}`, MESSAGE_NOT_FOUND (404) when reply_to is none of the
-- conversation's messages that the caller sees.
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
  if v_length = 0 and p_message.media_url is null then
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

-- source: 30_chat/conversation_headline.sql sha256:978405d372a54b263d25d0f2eb730585abe2a9636f211b89d2706abdbb63bbea
-- The compact part of a conversation's context that broadcasts carry; the same for both members.
create or replace function private.conversation_headline(p_conversation public.conversations)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'flow_state', p_conversation.flow_state,
    'chat_status', p_conversation.chat_status,
    'awaiting_role', p_conversation.awaiting_role,
    'last_seq', p_conversation.last_seq,
    'version', p_conversation.version + p_conversation.last_seq + sum(p.version)
  )
  from private.participants as p
  where p.conversation_id = p_conversation.id;
$$;

revoke all on function private.conversation_headline(public.conversations)
from public, anon, authenticated, service_role;

-- source: 30_chat/direct_connect.sql sha256:56574372634d3edabab5d1ecd3eec156e70b07ae0f50981b1e7e1281cf8e35b6
-- Opens the direct chat of the caller and another user, or finds the one they have.
--
-- An initial message goes the way of send_message, with its errors, its price and its retries.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, then the conversation. Writes: conversations, participants, and
-- what send_message writes.
-- Errors: AUTH_REQUIRED (401), SELF_CONVERSATION (422), USER_NOT_FOUND (404), BLOCKED (403),
-- POINTS_COST_MISMATCH (409) `{points_cost}` when the caller expects another price.
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
  v_cost constant integer := private.get_setting('chat_open_points')::integer;
  v_conversation_id uuid;
  v_created boolean;
  v_sent json;
begin
  if p_target_user_id = v_me then
    perform private.raise_error(
      'SELF_CONVERSATION', 'You cannot open a chat with yourself.', p_status => 422
    );
  end if;
  if not exists (
    select from public.users as u
    where u.id = p_target_user_id and u.role is distinct from 'system'
  ) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  if p_points_cost <> v_cost then
    perform private.raise_error(
      'POINTS_COST_MISMATCH', format('Opening a chat costs %s points.', v_cost),
      jsonb_build_object('points_cost', v_cost), p_status => 409,
      p_hint => 'Show the user this price and call again with it.'
    );
  end if;
  perform private.lock_account(v_me);
  if private.is_blocked(v_me, p_target_user_id) then
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

-- source: 30_chat/find_earlier_send.sql sha256:166328b3b444f945083ce3a61420387abad612c1b25cc62e9c84314baa6525dc
-- What send_message answers to a repeat of an earlier send, or null when there was none.
--
-- A message that has expired since is answered as `{message: null, expired: true}`, not shown.
--
-- Call it under the lock of the sender's account: retries of one sender then follow each other.
-- Errors: IDEMPOTENCY_MISMATCH (409) when the id was used for something else.
create or replace function private.find_earlier_send(p_message public.messages)
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
  if (v_stored.conversation_id, v_stored.message, v_stored.media_url, v_stored.reply_to)
    is distinct from
    (p_message.conversation_id, p_message.message, p_message.media_url, p_message.reply_to) then
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This client_message_id was used for another message.',
      p_status => 409, p_hint => 'Make a new id for a new message; repeat the old one unchanged.'
    );
  end if;
  return (
    select json_build_object(
      'message', m, 'expired', coalesce(v_stored.expires_at <= now(), false), 'quota', null
    )
    from (values (true)) as repeat
    left join private.my_messages as m
      on m.conversation_id = v_stored.conversation_id and m.seq = v_stored.seq
  );
end;
$$;

revoke all on function private.find_earlier_send(public.messages)
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

-- source: 30_chat/get_conversations.sql sha256:bb896ce10696eb2c55aeb7688f072b9115f7dbd823998e5b9d689af3493a6eda
-- A page of the caller's conversations, the one with the newest message first.
--
-- The cursor is the position of the last row, `<microseconds since 1970>_<conversation id>`; it
-- is the client's to carry, not to read. The page is found on two indexes (the caller is one
-- member or the other), so that its cost does not grow with the number of messages.
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
  v_answer json;
begin
  if p_filter is null
    or p_filter not in ('open', 'archived', 'my_turn', 'unread', 'direct', 'deals', 'all') then
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

  with mine as (
    (
      select c.id, c.last_message_at
      from public.conversations as c
      where c.user_a = v_me
        and (c.last_message_at, c.id) < (v_at, coalesce(v_id, v_me))
        and private.is_listed(c, v_me, p_filter)
      order by c.last_message_at desc, c.id desc
      limit v_limit + 1
    )
    union all
    (
      select c.id, c.last_message_at
      from public.conversations as c
      where c.user_b = v_me
        and (c.last_message_at, c.id) < (v_at, coalesce(v_id, v_me))
        and private.is_listed(c, v_me, p_filter)
      order by c.last_message_at desc, c.id desc
      limit v_limit + 1
    )
  ),
  page as (
    select m.id, m.last_message_at, row_number() over newest_first as place
    from mine as m
    window newest_first as (order by m.last_message_at desc, m.id desc)
    order by place
    limit v_limit + 1
  )
  select json_build_object(
    'conversations', coalesce(
      (
        select json_agg(row_to_json(c) order by p.place)
        from page as p
        join private.my_conversations as c on c.conversation_id = p.id
        where p.place <= v_limit
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

-- source: 30_chat/get_messages.sql sha256:3cab9c4c70ff9d26e924662a1803d55d8125b76ca159d35d24be6ac6fde52e9d
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
  v_before_seq bigint := p_before_seq;
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
  where m.conversation_id = p_conversation_id and (v_before_seq is null or m.seq < v_before_seq)
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

-- source: 30_chat/is_listed.sql sha256:7f6454a6b84b805b159f284bdcfc5596da679aa3ed7702c6cc77e0cc33880895
-- Whether a conversation belongs in its member's list under a filter of get_conversations.
--
-- open: neither archived nor closed. my_turn: the flow waits for this member. deals: bids and
-- campaigns.
create or replace function private.is_listed(
  p_conversation public.conversations,
  p_user_id uuid,
  p_filter text
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_me private.participants;
begin
  if p_filter = 'all' then
    return true;
  end if;
  select p.* into v_me
  from private.participants as p
  where p.conversation_id = p_conversation.id and p.user_id = p_user_id;
  return case p_filter
    when 'direct' then p_conversation.kind = 'direct'
    when 'deals' then p_conversation.kind <> 'direct'
    when 'my_turn' then coalesce(p_conversation.awaiting_role = v_me.role, false)
    when 'archived' then coalesce(v_me.archived_seq = p_conversation.last_seq, false)
    when 'unread' then exists (
      select from private.visible_messages as m
      where m.conversation_id = p_conversation.id
        and m.seq > v_me.read_seq
        and m.sender_id <> p_user_id
    )
    else p_conversation.chat_status <> 'closed'
      and v_me.archived_seq is distinct from p_conversation.last_seq
  end;
end;
$$;

revoke all on function private.is_listed(public.conversations, uuid, text)
from public, anon, authenticated, service_role;

-- source: 30_chat/lock_conversation.sql sha256:c978e73587b8886a38e303637ece6d350408bf96942cf704cc14dbd04c2e1aa2
-- Locks one of the caller's conversations until the transaction ends and returns its row.
--
-- Locks: the conversation, after the caller's account where both are locked.
-- Errors: CONVERSATION_NOT_FOUND (404), also for somebody else's.
create or replace function private.lock_conversation(p_conversation_id uuid, p_user_id uuid)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
begin
  select c.* into v_conversation
  from public.conversations as c
  where c.id = p_conversation_id and p_user_id in (c.user_a, c.user_b)
  for no key update;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.lock_conversation(uuid, uuid)
from public, anon, authenticated, service_role;

-- source: 30_chat/login_cleanup.sql sha256:8458cdd5e468b9428027bfb8f3499857a85a6a5f05cf837937e1c6f23fa89231
-- What is due for the caller at login; so far nothing ever is, and the answer says so.
--
-- Definer: it will write what clients may not.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_user();
  return json_build_object('expired', 0, 'scrubbed', 0, 'deadlines_run', 0);
end;
$$;

-- RPC: cleans up at login; returns `{expired, scrubbed, deadlines_run}`.
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

-- source: 30_chat/message_json.sql sha256:6de2e3449266a21865849cad39d1be518be69b31f73df2903cc8f3c26f02c310
-- A message that was just made, in the shape that clients get: nobody has read it yet.
--
-- Has the same keys as private.my_messages; a test compares them.
create or replace function private.message_json(p_message public.messages)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
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
$$;

revoke all on function private.message_json(public.messages)
from public, anon, authenticated, service_role;

-- source: 30_chat/send_message.sql sha256:1bc158372636cc6cc4286bec8d8180e008ad7a02715ebc0407e059401e917bef
-- Sends one message of the caller: checked, numbered, stored and told in one transaction.
--
-- A repeat with the same client_message_id answers what the first try answered and changes
-- nothing, so a client may retry until it hears an answer.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, then the conversation. Writes: accounts, conversations, messages,
-- realtime.messages.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), IDEMPOTENCY_MISMATCH (409),
-- CHAT_CLOSED (409), FLOW_STATE_INVALID (409), BLOCKED (403), MESSAGE_EMPTY (422),
-- MESSAGE_TOO_LONG (422) `{length, max}`, MEDIA_INVALID (422) `{rule}`, INPUT_INVALID (422)
-- `{field, rule}`, MESSAGE_NOT_FOUND (404) for a reply to a message the caller cannot see.
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
  v_conversation public.conversations;
  v_message public.messages;
  v_earlier json;
begin
  perform private.lock_account(v_me);
  v_conversation := private.lock_conversation(p_conversation_id, v_me);

  v_message.conversation_id := v_conversation.id;
  v_message.sender_id := v_me;
  v_message.receiver_id := case v_me
    when v_conversation.user_a then v_conversation.user_b
    else v_conversation.user_a
  end;
  v_message.message_type := 'user_input';
  v_message.message := coalesce(private.clean_text(p_message), '');
  v_message.media_url := nullif(p_media_url, '');
  v_message.reply_to := p_reply_to;
  v_message.client_message_id := p_client_message_id;

  v_earlier := private.find_earlier_send(v_message);
  if v_earlier is not null then
    return v_earlier;
  end if;

  perform private.check_free_text(v_conversation);
  perform private.check_message(v_message);
  if p_expiration_hours is not null then
    perform private.raise_input_invalid(
      'expiration_hours', 'not_available', 'Messages cannot be made to disappear yet.'
    );
  end if;
  if p_max_points < 0 then
    perform private.raise_input_invalid('max_points', 'min', 'max_points is 0 or more.');
  end if;
  v_message := private.append_message(v_message);
  return json_build_object('message', private.message_json(v_message), 'quota', null);
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

-- source: 30_chat/sync.sql sha256:4bccd255565abbbe249cc994ba94813a1bb5ccb0bd2b0910c297ab74e7aff103
-- Everything the caller has missed: the truth behind the broadcasts.
--
-- Args: what the client has, `{"<conversation id>": <last seq>}`; how many messages at most
-- (1..1000). Conversations that are not named come whole.
-- Returns `{conversations, messages, has_more, server_now}`: the messages after the known ones,
-- the most recently active conversation first, oldest first within one; the contexts of their
-- conversations and, with the last page, of those that changed without a message for the caller.
-- While has_more is true, call again with what was received added to `known`.
-- What is returned counts as delivered.
-- Definer: reads the private views, writes the caller's watermarks.
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

  with changed as (
    select c.id, c.last_seq, c.last_message_at, known.seq as known_seq
    from private.participants as p
    join public.conversations as c on c.id = p.conversation_id
    cross join lateral (
      select coalesce((p_known ->> c.id::text)::bigint, 0) as seq
    ) as known
    where p.user_id = v_me and c.last_seq > known.seq
  ),
  found_messages as (
    select m as message, c.last_message_at, m.conversation_id, m.seq
    from changed as c
    join private.my_messages as m on m.conversation_id = c.id and m.seq > c.known_seq
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
        from private.my_conversations as c
        where c.conversation_id = any(v_conversation_ids)
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

-- source: 60_triggers/remove_account_with_login.sql sha256:48cd80e9585a2c0c0def810df4a084706133c59821368db4d1cb2cb1f9c0a043
-- Takes a deleted login's account away and empties its card; its conversations stay, for the other
-- side. A token of the login that still lives can no longer write.
--
-- Definer: Auth deletes the login as its own role, which may not write our tables.
create or replace function private.remove_account_with_login()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from private.accounts as a where a.user_id = old.id;
  update public.users as u
  set role = null, display_name = null, avatar_url = null, updated_at = now()
  where u.id = old.id;
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
