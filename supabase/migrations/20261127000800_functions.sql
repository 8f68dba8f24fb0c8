-- Functions: built from supabase/functions_sql by scripts/build/build_migrations.py.

-- A function may call one that is created further down.
set check_function_bodies = off;

-- source: 10_private/action_data.sql sha256:c2a501b10fe85fc6c67a9f2f8efce1536513b6cb274cd679ab04eaef95a8329d
-- The title, buttons and form that a client draws for one reader of an action message.
--
-- Args: the conversation as it is now; the reader's role (null: both sides); title and subtitle,
-- filled in; the actions to offer, as of private.flow_messages.buttons; the message's type; its id.
-- Returns: `{title, subtitle, buttons, input_field, input_fields, submit_button, submit_action,
-- payment_order, schema, flow_state, message_type, visible_to, allowed_for, action_id,
-- expires_at}`; keys without a value are left out. expires_at is when the state's time limit ends.
-- A button `{id, text, style, action, data, input_fields}` has input_fields where its action needs
-- them.
create or replace function private.action_data(
  p_conversation private.conversations,
  p_role text,
  p_title text,
  p_subtitle text,
  p_buttons jsonb,
  p_message_type text,
  p_action_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_role constant text := coalesce(p_role, p_conversation.awaiting_role);
  v_visible_to constant text := coalesce(p_role, 'all');
  v_action jsonb;
  v_button jsonb;
  v_text text;
  v_buttons jsonb;
  v_form jsonb := jsonb '{}';
begin
  foreach v_action in array private.open_actions(
    p_conversation,
    case v_role
      when 'influencer' then p_conversation.influencer_id
      when 'brand_owner' then p_conversation.brand_owner_id
    end,
    v_role
  ) loop
    if p_buttons is null then
      if v_action ->> 'drawn' in ('form', 'both') and v_form = '{}' then
        v_form := v_action -> 'form';
      end if;
      continue when v_action ->> 'drawn' in ('form', 'nowhere');
    else
      continue when not p_buttons ? (v_action ->> 'action') or v_action ->> 'drawn' = 'form';
    end if;
    v_button := v_action -> 'button';
    v_text := p_buttons ->> (v_action ->> 'action');
    if v_text is not null then
      if v_text like '%{%' then
        v_text := private.fill_template(v_text, private.deal_values(p_conversation));
      end if;
      v_button := v_button || jsonb_build_object('text', v_text);
    end if;
    v_buttons := coalesce(v_buttons, '[]') || v_button;
  end loop;
  return v_form || jsonb_strip_nulls(jsonb_build_object(
    'title', p_title,
    'subtitle', p_subtitle,
    'flow_state', p_conversation.flow_state,
    'message_type', p_message_type,
    'visible_to', v_visible_to,
    'allowed_for', v_visible_to,
    'action_id', p_action_id,
    'expires_at', p_conversation.deadline_at,
    'payment_order', case
      when p_buttons is null then p_conversation.flow_data -> 'payment_order'
    end,
    'buttons', v_buttons
  ));
end;
$$;

-- source: 10_private/as_of_now.sql sha256:539db5780fc0d5f6eeda65e09c332546a88df977119db2fe639c9d165c287abb
-- A conversation as it is now: its row, with due steps taken in memory.
create or replace function private.as_of_now(p_conversation private.conversations)
returns private.conversations
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_conversation.deadline_at <= now() then
    return private.run_deadlines(p_conversation, p_is_trial => true);
  end if;
  return p_conversation;
end;
$$;

-- Whether a conversation is open for free text in its present state.
--
-- real_time always is (private.publish_draft checks it), so frequent callers read chat_status
-- first.
create or replace function private.takes_free_text(p_conversation private.conversations)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return p_conversation.chat_status = 'real_time'
    or p_conversation.chat_status <> 'closed' and exists (
      select from private.flow_states as s
      where s.flow_id = p_conversation.flow_id
        and s.state = p_conversation.flow_state
        and s.free_text
    );
end;
$$;

-- source: 10_private/broadcast.sql sha256:f3b4ca9398709fb9938435ffc73b8d316c5b1465b3e0bf58e075f12eeefea5be
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

-- source: 10_private/chat_status_in.sql sha256:aea9e99f111fe6cf09fc6c7014d9bf97afba2171b95997d6218c585899d641b3
-- The chat_status of a state of the flow: real_time, automated or closed.
create or replace function private.chat_status_in(p_flow_state text)
returns text
language sql
immutable
as $$
  select case p_flow_state
    when 'real_time' then 'real_time'
    when 'chat_closed' then 'closed'
    else 'automated'
  end;
$$;

-- source: 10_private/check_media_url.sql sha256:b371ec88a42c9251fb0c329efa4069e50e588d5c8341d2df0c8562c5243edb06
-- Refuses a media URL that clients cannot load safely, or whose host the settings do not allow.
--
-- Errors: MEDIA_INVALID (422) `{rule}`: a rule of find_url_fault, or host_not_allowed by the
-- setting media_hosts.
create or replace function private.check_media_url(p_url text)
returns void
language plpgsql
stable
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

-- Whether the setting media_hosts lets clients name this host (lower case).
create or replace function private.is_media_host_allowed(p_host text)
returns boolean
language sql
stable
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

-- The rule of safe URLs that a URL breaks, or null.
--
-- Allowed: https in plain ASCII (RFC 3986), a DNS name (no IP address, no local name), no
-- credentials, port 443, at most 2,048 characters. Rules: length, characters, scheme, credentials,
-- port, host.
create or replace function private.find_url_fault(p_url text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_authority constant text := private.url_authority(left(p_url, 2048));
  v_host constant text := regexp_replace(v_authority, ':[0-9]*$', '');
  v_port constant text := substring(v_authority from ':([0-9]*)$');
begin
  return case
    when octet_length(p_url) > 2048 then 'length'
    when p_url ~ '[^!-~]|[<>"\\^`{|}]' then 'characters'
    when v_authority is null then 'scheme'
    when position('@' in v_authority) > 0 then 'credentials'
    when coalesce(v_port, '443') <> '443' then 'port'
    -- The last label starts with a letter; no spelling of an IPv4 address does.
    when v_host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'
      or char_length(v_host) > 253
      or v_host ~ '\.(localhost|local|internal|arpa|invalid|test)$' then 'host'
  end;
end;
$$;

-- The part between `https://` and the path of a URL, in lower case; null for another scheme.
create or replace function private.url_authority(p_url text)
returns text
language sql
immutable
set search_path = ''
as $$
  select lower(substring(p_url from '^[Hh][Tt][Tt][Pp][Ss]://([^/?#]*)'));
$$;

-- source: 10_private/check_size.sql sha256:49f9d6a7be74f2c8e636e8a223222368b15276ee532bb02016f951aa1115346b
-- Refuses a name, a reference or an address that is larger than any honest one, before any work on
-- it. private.read_text reads the texts that people type.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "length"}`.
create or replace function private.check_size(p_text text, p_field text, p_max_bytes integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if octet_length(p_text) > p_max_bytes then
    perform private.raise_input_invalid(
      p_field, 'length', format('At most %s bytes.', p_max_bytes)
    );
  end if;
end;
$$;

-- Refuses a JSON value that is larger or deeper than any honest one, before it is looked into.
--
-- A number of a few bytes, such as 1e131071, can be a very long text. A small value holds too few
-- of them to do harm.
-- Errors: INPUT_INVALID (422) `{field, rule: "size" or "depth"}`.
create or replace function private.check_json(p_json jsonb, p_field text, p_max_bytes integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_max_depth constant integer := 8;
begin
  if pg_column_size(p_json) > 200 then
    if pg_column_size(p_json) > p_max_bytes then
      perform private.raise_input_invalid(
        p_field, 'size', format('At most %s bytes of JSON.', p_max_bytes)
      );
    end if;
    if private.has_long_number(p_json) then
      perform private.raise_input_invalid(p_field, 'size', 'At most 100 digits in a number.');
    end if;
  end if;
  if p_json @? '$.**{9 to last}' then
    perform private.raise_input_invalid(
      p_field, 'depth', format('At most %s levels of JSON inside each other.', c_max_depth)
    );
  end if;
end;
$$;

-- Whether a number anywhere in a JSON value has more than 100 digits.
create or replace function private.has_long_number(p_json jsonb)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return exists (
    select from jsonb_path_query(p_json, '$.** ? (@.type() == "number")') as n (value)
    where abs(n.value::numeric) >= 1e100 or scale(n.value::numeric) > 100
  );
end;
$$;

-- The values that a caller typed into the fields of an action, with texts in NFC, so that
-- normalize() has no work left under a lock. Call it before any lock is taken.
--
-- Null, and a value that is no object, come back unchanged.
-- Errors: INPUT_INVALID (422) `{field, rule}`: those of check_json for the field input, and
-- combining_marks, which names the field of the object.
create or replace function private.read_fields(p_json jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_piled text;
  v_fields jsonb;
begin
  perform private.check_json(p_json, 'input', 65536);
  if jsonb_typeof(p_json) <> 'object'
    or octet_length(p_json::text) = char_length(p_json::text) then
    return p_json;
  end if;
  select f.key into v_piled
  from jsonb_each_text(p_json) as f
  where private.has_piled_marks(f.value)
  limit 1;
  if found then
    perform private.raise_input_invalid(
      v_piled, 'combining_marks', 'The text piles up accents on one letter: write at most 32.'
    );
  end if;
  select jsonb_object_agg(
    f.key,
    case jsonb_typeof(f.value)
      when 'string' then to_jsonb(normalize(f.value #>> '{}', nfc))
      else f.value
    end
  )
  into v_fields
  from jsonb_each(p_json) as f;
  return v_fields;
end;
$$;

-- Refuses a value that is not one of a few.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "one_of"}`.
create or replace function private.check_choice(p_field text, p_value text, p_choices text[])
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_value is null or p_value <> all (p_choices) then
    perform private.raise_input_invalid(
      p_field, 'one_of', 'One of ' || array_to_string(p_choices, ', ') || '.'
    );
  end if;
end;
$$;

-- How many rows a page has: the number asked for or the default, at least 1 and at most max.
create or replace function private.clamp_page_size(
  p_page_size integer,
  p_default integer,
  p_max integer
)
returns integer
language sql
immutable
set search_path = ''
as $$
  select greatest(1, least(coalesce(p_page_size, p_default), p_max));
$$;

-- source: 10_private/conversation_versions.sql sha256:52334407a18f3f08531445278d68c6b2f21751c54ab521158fc71246fdb35f55
-- The version of a conversation's context for each of its members, and whether that member has
-- muted it.
--
-- It grows with every change that the member can see: a step of the flow, a message that comes or
-- disappears, the member's own preferences and receipts, and the receipts that the other one
-- shares. An expiry and the step of a deadline add their time in microseconds, so that they count
-- before any call has written them. private.my_conversations computes the same; a test compares
-- them.
create or replace function private.conversation_versions(p_conversation private.conversations)
returns table (user_id uuid, version bigint, is_muted boolean)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_base constant bigint := private.base_version(p_conversation);
begin
  return query
  select
    me.user_id, v_base + me.version + other.shared_version,
    coalesce(me.muted_until > now(), false)
  from private.participants as me
  join private.participants as other
    on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
  where me.conversation_id = p_conversation.id;
end;
$$;

-- The part of a context's version that is the same for both members.
create or replace function private.base_version(p_conversation private.conversations)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
  v_expired_at timestamptz;
begin
  select max(m.expires_at) into v_expired_at
  from public.messages as m
  where m.conversation_id = p_conversation.id and m.expires_at <= now();
  return p_conversation.version + p_conversation.last_seq
    + coalesce(extract(epoch from v_expired_at) * 1000000, 0)::bigint
    + coalesce(extract(epoch from p_conversation.timed_at) * 1000000, 0)::bigint;
end;
$$;

-- source: 10_private/deal_instead.sql sha256:7f774907ce7af6b3d3e4922b627d2e7010da9ddfc3ae28fe4b2523a5e7d29fde
-- The open deal of a direct chat's two members in which they must write, by the setting
-- direct_blocked_during_deal; null where they may write in the direct chat. A deal is open until
-- its free chat begins or it is closed.
create or replace function private.deal_instead(p_conversation private.conversations)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_conversation.kind <> 'direct'
    or private.get_setting('direct_blocked_during_deal') is distinct from 'true' then
    return null;
  end if;
  return (
    select c.id
    from private.conversations as c
    where c.user_a = p_conversation.user_a
      and c.user_b = p_conversation.user_b
      and c.chat_status = 'automated'
      and (private.as_of_now(c)).chat_status = 'automated'
    limit 1
  );
end;
$$;

-- source: 10_private/limit_rate.sql sha256:eca253ce091c4d484401a5682727e60b8e8f02ba544e1f3b59cfab7ce77255e4
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

-- source: 10_private/may_reach.sql sha256:df472d53c071e93e1a7b59b7ec7b3723cc863a3f2de82c0f68b6013dcfd87242
-- Whether a text of one user may reach another now: not across a block, in either direction, and
-- not to or from a deleted login.
--
-- Sends and steps read the answer from conversations.is_barred. A step across a block still counts;
-- its texts are dropped (private.withhold_words).
create or replace function private.may_reach(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return not private.is_blocked(p_user_id, p_other_id) and 2 = (
    select count(*) from private.accounts as a where a.user_id in (p_user_id, p_other_id)
  );
end;
$$;

-- Whether one of the two users blocks the other, in either direction.
create or replace function private.is_blocked(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
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

-- source: 10_private/message_json.sql sha256:526eb81a9daee9562ced9319bfd3d69d5850ff8048d53cf9aaf3e66c202b3c33
-- A message that was just made, in the shape that clients get: nobody has read it yet.
--
-- The row has the columns of private.my_messages, in their order.
create or replace function private.message_json(p_message public.messages)
returns jsonb
language sql
stable
as $$
  select to_jsonb(
    row(
      p_message.id, p_message.conversation_id, p_message.seq, p_message.sender_id,
      p_message.receiver_id, p_message.message, p_message.media_url, p_message.attachments,
      p_message.message_type, p_message.visible_to, p_message.action_required,
      p_message.action_data, p_message.action_completed, p_message.is_automated,
      p_message.reply_to, p_message.client_message_id, p_message.expires_at, false, false, null,
      'sent', p_message.created_at
    )::private.my_messages
  );
$$;

-- A message's JSON for a channel that keeps it beyond the message's expiry: unchanged, or, when the
-- message disappears, without text, media and files and with `content_withheld: true`.
create or replace function private.withhold_content(p_message jsonb)
returns jsonb
language sql
immutable
as $$
  select case p_message -> 'expires_at'
    when 'null' then p_message
    else p_message - array['message', 'media_url', 'attachments'] || '{"content_withheld": true}'
  end;
$$;

-- source: 10_private/my_conversations.sql sha256:070b88fa4fa0cf9a82db5344cf23c4ed6a89ab6b84b4e026f8d7ae4d59366bca
-- The caller's id while the login has an account, else null: for policies, where a token that
-- outlives its login, or an anonymous one, must read nothing.
--
-- Definer: a policy that read private.accounts as the caller would need a grant on it.
-- Policies call it as `(select private.my_id())`: computed once a statement, not once a row.
create or replace function private.my_id()
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
  select a.user_id from private.accounts as a where a.user_id = (select auth.uid());
$$;

-- Whether the caller is a member of the conversation.
create or replace function private.is_my_conversation(p_conversation_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.participants as p
    where p.conversation_id = p_conversation_id and p.user_id = (select auth.uid())
  );
end;
$$;

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
    where p.user_id = (select private.my_id())
  );
$$;

-- Whether a Realtime topic is the caller's: for hearing it, or also for speaking on it.
--
-- The user hears `user:<uid>`, and no client speaks there. The members hear and speak on
-- `conversation:<id>`, for typing and presence; nobody speaks there across a block. The owner, and
-- users with a conversation on it, hear `bid:<id>` and `campaign:<id>`. Capitals in an id do not
-- matter.
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
  if v_id !~* c_uuid or private.my_id() is null then
    return false;
  end if;
  return case v_kind
    when 'user' then not p_speak and v_id::uuid = auth.uid()
    when 'conversation' then private.is_my_conversation(v_id::uuid)
      and not (
        p_speak and exists (
          select from private.conversations as c
          where c.id = v_id::uuid and private.is_blocked(c.user_a, c.user_b)
        )
      )
    when 'bid' then not p_speak and (
      exists (
        select from public.bids as b
        where b.id = v_id::uuid and b.influencer_id = auth.uid()
      )
      or exists (
        select from private.conversations as c
        where c.bid_id = v_id::uuid and c.brand_owner_id = auth.uid()
      )
    )
    when 'campaign' then not p_speak and (
      exists (
        select from public.campaigns as g
        where g.id = v_id::uuid and g.brand_owner_id = auth.uid()
      )
      or exists (
        select from private.conversations as c
        where c.campaign_id = v_id::uuid and c.influencer_id = auth.uid()
      )
    )
    else false
  end;
end;
$$;

grant execute on function private.my_id() to authenticated;
grant execute on function private.list_my_conversation_ids() to authenticated;
grant execute on function private.is_my_topic(text, boolean) to authenticated;

-- source: 10_private/raise_error.sql sha256:759b1405703d90679290157a4c8f1cb366b57b57fa2fdd2e02e2502b031b4c4f
-- Ends the call with an error that PostgREST turns into the HTTP answer
-- `status {"code", "message", "details", "hint"}`; `details` is the JSON text of an object.
--
-- Args: code of docs/ERRORS.md; a sentence for people; details; HTTP status; a hint; response
-- headers. Never pass a client's text as p_code or in p_headers.
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

-- Ends the call because an argument breaks a rule for that argument.
--
-- Args: the argument's name; the rule's name, stable for clients; a sentence for people.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.raise_input_invalid(p_field text, p_rule text, p_message text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error(
    'INPUT_INVALID', p_message,
    jsonb_build_object('field', p_field, 'rule', p_rule), p_status => 422
  );
end;
$$;

-- Ends the call with the one answer for a conversation that does not exist or is not the caller's.
--
-- Errors: CONVERSATION_NOT_FOUND (404).
create or replace function private.raise_conversation_not_found()
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error(
    'CONVERSATION_NOT_FOUND', 'There is no such conversation among yours.', p_status => 404,
    p_hint => 'Call get_conversations to see yours.'
  );
end;
$$;

-- Refuses the statement whose trigger calls it, with the error of a broken CHECK of that name.
--
-- Errors: 23514 (check_violation) with the rule as the constraint.
create or replace function private.raise_broken_rule(p_schema text, p_table text, p_rule text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise check_violation using
    message = format('new row for relation "%s" violates check constraint "%s"', p_table, p_rule),
    schema = p_schema, table = p_table, constraint = p_rule;
end;
$$;

-- source: 10_private/read_text.sql sha256:41fccd39d8851f79685a830a1d82c102f288793cedc55131c80b1c13c839f4cf
-- A text that a caller typed, as it is stored: NFC, line ends as \n, without invisible direction
-- controls, trimmed; null stays null. The one place that limits the size of texts.
--
-- It first checks the size in bytes, and combining marks in a row: the time of normalize() grows
-- with the square of their number, and nothing can stop it. Call it before any lock. Direction
-- controls (U+202A-202E, U+2066-2069) are dropped because phones put them around names and numbers
-- that people paste, and because they can turn a text into another one on screen (Unicode TR 36,
-- "bidirectional text spoofing").
--
-- Args: the text; the name of the argument; how many characters the cleaned text may have; the rule
-- that a longer one breaks.
-- Errors: INPUT_INVALID (422) `{field, rule}`: length (or p_rule), combining_marks,
-- control_characters; MESSAGE_TOO_LONG (422) `{length, max}` where the field is message.
create or replace function private.read_text(
  p_text text,
  p_field text,
  p_max integer,
  p_rule text default 'length'
)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Most bytes of UTF-8 behind one stored character: a Korean syllable in three parts.
  c_bytes constant integer := 9;
  -- Blank characters that are trimmed, of all scripts.
  c_space constant text := e' \n\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007'
    '\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';
  v_text text := p_text;
begin
  if octet_length(v_text) > p_max * c_bytes then
    perform private.raise_too_long(v_text, p_field, p_max, p_rule);
  end if;
  if position(e'\r' in v_text) > 0 then
    v_text := replace(replace(v_text, e'\r\n', e'\n'), e'\r', e'\n');
  end if;
  if octet_length(v_text) > char_length(v_text) then
    v_text := regexp_replace(v_text, '[\u202a-\u202e\u2066-\u2069]', '', 'g');
    if private.has_piled_marks(v_text) then
      perform private.raise_input_invalid(
        p_field, 'combining_marks', 'The text piles up accents on one letter: write at most 32.'
      );
    end if;
    v_text := normalize(v_text, nfc);
  end if;
  v_text := btrim(v_text, c_space);
  if v_text ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]' then
    perform private.raise_input_invalid(
      p_field, 'control_characters', 'The text holds control characters: remove them.'
    );
  end if;
  if char_length(v_text) > p_max then
    perform private.raise_too_long(v_text, p_field, p_max, p_rule);
  end if;
  return v_text;
end;
$$;

-- Whether more than 32 combining marks follow each other, of those that normalize() sorts: the
-- characters whose decomposition begins with a canonical combining class other than 0. A test
-- compares the list with PostgreSQL's own.
create or replace function private.has_piled_marks(p_text text)
returns boolean
language sql
immutable
as $$
  select p_text ~ (
    '['
    '\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a'
    '\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a'
    '\u07eb-\u07f3\u07fd\u0816-\u0819\u081b-\u0823\u0825-\u0827\u0829-\u082d\u0859-\u085b'
    '\u0897-\u089f\u08ca-\u08e1\u08e3-\u08ff\u093c\u094d\u0951-\u0954\u09bc\u09cd\u09fe\u0a3c'
    '\u0a4d\u0abc\u0acd\u0b3c\u0b4d\u0bcd\u0c3c\u0c4d\u0c55\u0c56\u0cbc\u0ccd\u0d3b\u0d3c\u0d4d'
    '\u0dca\u0e38-\u0e3a\u0e48-\u0e4b\u0eb8-\u0eba\u0ec8-\u0ecb\u0f18\u0f19\u0f35\u0f37\u0f39'
    '\u0f71-\u0f84\u0f86\u0f87\u0fc6\u1037-\u103a\u108d\u135d-\u135f\u1714\u1715\u1734\u17d2\u17dd'
    '\u18a9\u1939-\u193b\u1a17\u1a18\u1a60-\u1a7c\u1a7f\u1ab0-\u1ace\u1b34-\u1b44\u1b6b-\u1b73'
    '\u1baa\u1bab\u1be6-\u1bf3\u1c37\u1cd0-\u1cd2\u1cd4-\u1ce8\u1ced\u1cf4\u1cf8\u1cf9'
    '\u1dc0-\u1dff\u20d0-\u20f0\u2cef-\u2cf1\u2d7f\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f'
    '\ua674-\ua67d\ua69e\ua69f\ua6f0\ua6f1\ua806\ua82c\ua8c4\ua8e0-\ua8f1\ua92b-\ua92d\ua953'
    '\ua9b3-\ua9c0\uaab0\uaab2-\uaab4\uaab7\uaab8\uaabe\uaabf\uaac1\uaaf6\uabed\ufb1e\ufe20-\ufe2f'
    '\U000101fd\U000102e0\U00010376-\U0001037a\U00010a0d-\U00010a0f\U00010a38-\U00010a3a\U00010a3f'
    '\U00010ae5\U00010ae6\U00010d24-\U00010d27\U00010d69-\U00010d6d\U00010eab\U00010eac'
    '\U00010efd-\U00010eff\U00010f46-\U00010f50\U00010f82-\U00010f85\U00011046\U00011070\U0001107f'
    '\U000110b9\U000110ba\U00011100-\U00011102\U00011133\U00011134\U00011173\U000111c0\U000111ca'
    '\U00011235\U00011236\U000112e9\U000112ea\U0001133b\U0001133c\U0001134d\U00011366-\U0001136c'
    '\U00011370-\U00011374\U000113ce-\U000113d0\U00011442-\U00011446\U0001145e\U000114c2\U000114c3'
    '\U000115bf\U000115c0\U0001163f\U000116b6\U000116b7\U0001172b\U00011839\U0001183a'
    '\U0001193d\U0001193e\U00011943\U000119e0\U00011a34\U00011a47\U00011a99\U00011c3f'
    '\U00011d42-\U00011d45\U00011d97\U00011f41\U00011f42\U0001612f\U00016af0-\U00016af4'
    '\U00016b30-\U00016b36\U00016ff0\U00016ff1\U0001bc9e\U0001d165-\U0001d169\U0001d16d-\U0001d172'
    '\U0001d17b-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244'
    '\U0001e000-\U0001e006\U0001e008-\U0001e018\U0001e01b-\U0001e021\U0001e023\U0001e024'
    '\U0001e026-\U0001e02a\U0001e08f\U0001e130-\U0001e136\U0001e2ae\U0001e2ec-\U0001e2ef'
    '\U0001e4ec-\U0001e4ef\U0001e5ee\U0001e5ef\U0001e8d0-\U0001e8d6\U0001e944-\U0001e94a'
    ']{33}'
  );
$$;

create or replace function private.raise_too_long(
  p_text text,
  p_field text,
  p_max integer,
  p_rule text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_field = 'message' then
    perform private.raise_error(
      'MESSAGE_TOO_LONG', format('A message has at most %s characters.', p_max),
      jsonb_build_object('length', char_length(p_text), 'max', p_max), p_status => 422
    );
  end if;
  perform private.raise_input_invalid(p_field, p_rule, format('At most %s characters.', p_max));
end;
$$;

-- Whether a text shows nothing: empty, or only white space, joiners, selectors and other invisible
-- characters.
--
-- The ranges: white space; Unicode's general category Cf (format) and the fillers and selectors
-- of its Default_Ignorable_Code_Point; the empty Braille pattern.
create or replace function private.is_blank(p_text text)
returns boolean
language sql
immutable
as $$
  select p_text !~ (
    '[^[:space:]\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f'
    '\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0'
    '\U000e0000-\U000e0fff]'
  );
$$;

-- source: 10_private/require_operator.sql sha256:8a8a60606de0a2b8729be222455022e8b04ef082665e28c4aec02e9570187b76
-- Lets through the service role, and users that private.admins lists.
--
-- Errors: FORBIDDEN (403).
create or replace function private.require_operator()
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not private.is_operator() then
    perform private.raise_error(
      'FORBIDDEN', 'This is for operators.', p_status => 403
    );
  end if;
end;
$$;

-- Refuses an operator who is a member of the conversation: operators do not decide their own deals.
--
-- Errors: FORBIDDEN (403).
create or replace function private.refuse_own(p_conversation_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if exists (
    select from private.conversations as c
    where c.id = p_conversation_id and auth.uid() in (c.user_a, c.user_b)
  ) then
    perform private.raise_error(
      'FORBIDDEN', 'An operator decides nothing in a conversation of their own.', p_status => 403,
      p_hint => 'Ask another operator.'
    );
  end if;
end;
$$;

-- Whether the caller is the service role, or a user that private.admins lists.
create or replace function private.is_operator()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  -- The role of the request, not of a definer's owner; PostgREST sets it from the token.
  return coalesce(auth.role() = 'service_role', false)
    or exists (select from private.admins as a where a.user_id = auth.uid());
end;
$$;

-- source: 10_private/require_user.sql sha256:4a98875e892980a59db2dc83fe1f7b9847fa60cce4d644b1815353c0eea2b165
-- The caller's id, from the token that PostgREST has checked.
--
-- Errors: AUTH_REQUIRED (401) when the token names no user, or one whose login was deleted while
-- the token still lives; FORBIDDEN (403) for an anonymous login.
create or replace function private.require_user()
returns uuid
language plpgsql
stable
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
  if not exists (select from private.accounts as a where a.user_id = v_user_id) then
    perform private.raise_no_account(v_user_id);
  end if;
  return v_user_id;
end;
$$;

-- Ends the call of a user without an account: the login is anonymous, or gone.
--
-- Errors: FORBIDDEN (403), AUTH_REQUIRED (401).
create or replace function private.raise_no_account(p_user_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if exists (select from auth.users as u where u.id = p_user_id and u.is_anonymous) then
    perform private.raise_error(
      'FORBIDDEN', 'Sign up first: this is not for anonymous sessions.', p_status => 403
    );
  end if;
  perform private.raise_error(
    'AUTH_REQUIRED', 'This login is gone.', p_status => 401,
    p_hint => 'Sign up, or sign in to another login.'
  );
end;
$$;

-- source: 10_private/settings.sql sha256:ad2b4c732e1fcf51818f40ad187968eb880fdae9b6520f5f6043db8a89c78d17
-- The value of an operator's setting; JSON null when it is switched off.
create or replace function private.get_setting(p_key text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select s.value from private.settings as s where s.key = p_key);
end;
$$;

-- The value of an operator's setting that is a number; null when it is switched off.
create or replace function private.get_number(p_key text)
returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select (s.value #>> '{}')::numeric from private.settings as s where s.key = p_key);
end;
$$;

-- source: 10_private/views.sql sha256:bd146e0e7f99c73c38da2fa03fe7c1b70d76f967f8b86cab9d56b7c9a465f130
-- The caller's messages and conversations, in the shapes that clients get.
--
-- The views run with their owner's rights; no role has a grant on them.

-- The messages that are for the caller and have not expired; readers of the view check the
-- membership. RPCs use the rule from here; get_messages and sync repeat it for speed, and the
-- policy of public.messages for direct reads. A test compares them.
create or replace view private.visible_messages as
select m.*
from public.messages as m
where (m.visible_to = 'all' or (select auth.uid()) in (m.sender_id, m.receiver_id))
  and (m.expires_at is null or m.expires_at > now());

-- How far each member of the caller's conversations has received and read, as the caller may see
-- it: nothing of the other side across a block, and read marks only where both members share
-- theirs. A caller whose login is gone sees none.
create or replace view private.my_marks as
select
  me.conversation_id,
  me.user_id,
  other.user_id as other_id,
  me.read_seq,
  me.read_at,
  me.delivered_seq,
  case
    when me.blocks_other or other.blocks_other then 0
    when not (me.shares_read_receipts and other.shares_read_receipts) then 0
    else other.read_seq
  end as other_read_seq,
  other.read_at as other_read_at,
  case
    when me.blocks_other or other.blocks_other then 0
    else other.delivered_seq
  end as other_delivered_seq,
  -- After the deadline the open action is over, also before the step is written.
  coalesce(c.deadline_at <= now(), false) as is_over
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> (select auth.uid())
join private.conversations as c on c.id = me.conversation_id
where me.user_id = (select auth.uid()) and me.shares_read_receipts is not null;

-- Every message that the caller may read now, in the shape that clients get.
--
-- seen, read_at and status come from the marks of the member who reads the message: the other one
-- for what the caller sent, the caller for everything else. read_at is the time of that reader's
-- newest mark.
create or replace view private.my_messages as
select
  m.id,
  m.conversation_id,
  m.seq,
  m.sender_id,
  m.receiver_id,
  m.message,
  m.media_url,
  m.attachments,
  m.message_type,
  m.visible_to,
  m.action_required,
  m.action_data,
  m.action_completed or m.action_required and mark.is_over as action_completed,
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
from private.my_marks as mark
join private.visible_messages as m on m.conversation_id = mark.conversation_id
cross join lateral (
  select
    case
      when m.sender_id = mark.user_id then mark.other_read_seq
      else mark.read_seq
    end as read_seq,
    case when m.sender_id = mark.user_id then mark.other_read_at else mark.read_at end as read_at,
    case
      when m.sender_id = mark.user_id then mark.other_delivered_seq
      else mark.delivered_seq
    end as delivered_seq
) as reader;

-- Every conversation of the caller, as the caller sees it now, in the shape that clients get
-- ("context").
--
-- A deal counts due steps that are not written yet; only the awaited side sees the open action.
-- version is that of private.conversation_versions. Unread messages are counted up to 1,000, so
-- that the cost is bounded; messages that the caller's own step caused do not count. Across a block
-- the other side's receipts and last visit are hidden.
create or replace view private.my_conversations as
select
  me.conversation_id,
  c.kind,
  c.chat_status,
  c.flow_state,
  c.awaiting_role,
  coalesce(
    c.awaiting_role,
    case when c.kind <> 'direct' then (
      select s.waiting_on from private.flow_states as s
      where s.flow_id = c.flow_id and s.state = c.flow_state
    ) end,
    'none'
  ) as waiting_on,
  c.automation_enabled,
  me.role as my_role,
  case
    when c.awaiting_role is distinct from me.role then null
    when c.version = stored.version then (
      select m.action_data from public.messages as m
      where m.id = (c.current_action_data ->> 'action_id')::uuid
    )
    -- A due step that is not written yet opened the action.
    else private.action_data(
      c, me.role,
      (
        select s.title from private.flow_states as s
        where s.flow_id = c.flow_id and s.state = c.flow_state
      ),
      null, null, 'automated', null
    )
  end as current_action_data,
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
      where m.conversation_id = me.conversation_id and m.expires_at <= now()
    ),
    0
  )::bigint + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint as version,
  c.last_seq,
  me.read_seq,
  case
    when me.blocks_other or other.blocks_other then 0
    when not (me.shares_read_receipts and other.shares_read_receipts) then 0
    else other.read_seq
  end as other_read_seq,
  case
    when me.blocks_other or other.blocks_other then 0
    else other.delivered_seq
  end as other_delivered_seq,
  case
    when c.last_seq = me.read_seq then 0
    else (
      select count(*)
      from (
        select from public.messages as m
        where m.conversation_id = me.conversation_id and m.seq > me.read_seq
          and m.sender_id <> me.user_id
          and m.caused_by is distinct from me.user_id
          and (m.visible_to = 'all' or m.receiver_id = me.user_id)
          and (m.expires_at is null or m.expires_at > now())
        order by m.seq desc
        limit 1000
      ) as unread
    )
  end as unread_count,
  (
    select row_to_json(newest)
    from (
      select
        m.id, m.seq, m.sender_id, m.message_type, left(m.message, 200) as message, m.media_url,
        m.expires_at, case
          when m.expires_at is null then jsonb_path_query_array(m.attachments, '$[*].name')
        end as attachment_names,
        m.created_at
      from private.visible_messages as m
      where m.conversation_id = me.conversation_id
      order by m.seq desc
      limit 1
    ) as newest
  ) as last_message,
  json_build_object(
    'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', u.role,
    'last_seen_at', case
      when a.shares_last_seen and not me.blocks_other and not other.blocks_other
        then a.last_seen_at
    end,
    'is_deleted', a.user_id is null
  ) as other_party,
  coalesce(me.archived_seq = c.last_seq, false) as archived,
  me.pinned_at is not null as pinned,
  me.muted_until,
  not me.blocks_other and not other.blocks_other and a.user_id is not null
    and (c.chat_status = 'real_time' or private.takes_free_text(c))
    -- Negative where direct_blocked_during_deal is set; read once per statement.
    and not (
      c.kind = 'direct'
      and exists (select from private.send_rules as r where r.stranger_messages < 0)
      and private.deal_instead(c) is not null
    ) as free_text_allowed,
  c.created_at,
  c.updated_at,
  now() as server_now,
  coalesce(
    other.typing_until > now() and not me.blocks_other and not other.blocks_other, false
  ) as other_typing,
  case when c.kind <> 'direct' then json_build_object(
    'captured_minor', c.captured_minor, 'held_minor', c.held_minor,
    'released_minor', c.released_minor, 'fee_minor', c.fee_minor,
    'refunded_minor', c.refunded_minor, 'charged_back_minor', c.charged_back_minor
  ) end as escrow,
  c.delivery_due_at,
  c.bid_id,
  c.campaign_id,
  c.request_id,
  c.work_submission,
  c.work_submitted,
  c.submission_date,
  c.close_reason
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> (select auth.uid())
join private.conversations as stored on stored.id = me.conversation_id
cross join lateral (
  select stored.* where stored.deadline_at is null or stored.deadline_at > now()
  union all
  select due.* from private.as_of_now(stored) as due where stored.deadline_at <= now()
) as c
join public.users as u on u.id = other.user_id
left join private.accounts as a on a.user_id = other.user_id
where me.user_id = (select auth.uid());

revoke all on
  private.visible_messages, private.my_marks, private.my_messages, private.my_conversations
from public, anon, authenticated, service_role;

-- source: 20_accounts/complete_profile.sql sha256:a9990ce5a2b2ebefab1c88656c11903aef3f537317eabbade51f80467a973411
-- Sets the caller's role and name, picture and phone. A later call changes the given ones and keeps
-- the rest; an empty picture or phone deletes it; the role stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: users, accounts, participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`, MEDIA_INVALID (422) `{rule}`,
-- PROFILE_LOCKED (409).
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
  v_name constant text := private.read_name(p_display_name);
  v_phone constant text := private.read_phone(p_phone);
  v_user public.users;
begin
  if p_role is not null then
    perform private.check_choice('role', p_role, array['influencer', 'brand_owner']);
  end if;
  if p_avatar_url <> '' then
    perform private.check_media_url(p_avatar_url);
  end if;

  perform private.lock_account(v_me);
  select u.* into v_user from public.users as u where u.id = v_me;
  if p_role <> v_user.role then
    perform private.raise_error(
      'PROFILE_LOCKED', 'The role of a profile cannot be changed.', p_status => 409,
      p_hint => 'Sign up with another address to act in the other role.'
    );
  end if;
  if coalesce(p_role, v_user.role) is null then
    perform private.raise_input_invalid('role', 'one_of', 'A first profile needs a role.');
  end if;
  if coalesce(v_name, v_user.display_name) is null then
    perform private.raise_input_invalid('display_name', 'length', 'A first profile needs a name.');
  end if;
  update public.users as u
  set
    role = coalesce(p_role, u.role),
    display_name = coalesce(v_name, u.display_name),
    avatar_url = nullif(coalesce(p_avatar_url, u.avatar_url), ''),
    updated_at = now()
  where u.id = v_me;
  update private.accounts as a
  set phone = nullif(v_phone, '')
  where a.user_id = v_me and v_phone is not null;
  perform private.touch_conversations(v_me);
  return private.get_profile();
end;
$$;

-- RPC: sets the caller's role (once), name, picture and phone, as far as they are given; returns
-- the profile, as get_profile does.
create or replace function public.complete_profile(
  role text default null,
  display_name text default null,
  avatar_url text default null,
  phone text default null
)
returns json
language sql
set search_path = ''
as $$
  select private.complete_profile(role, display_name, avatar_url, phone);
$$;

-- The caller's own profile, with its private fields.
--
-- Definer: accounts are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_profile()
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
      'id', u.id, 'role', u.role, 'display_name', u.display_name, 'avatar_url', u.avatar_url,
      'phone', a.phone,
      'privacy', json_build_object(
        'last_seen', a.shares_last_seen, 'read_receipts', a.shares_read_receipts
      ),
      'created_at', u.created_at, 'updated_at', u.updated_at
    )
    from public.users as u
    join private.accounts as a on a.user_id = u.id
    where u.id = v_me
  );
end;
$$;

-- RPC: the caller's profile; returns `{id, role, display_name, avatar_url, phone, privacy:
-- {last_seen, read_receipts}, created_at, updated_at}`, null where nothing is set.
create or replace function public.get_profile()
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_profile();
$$;

-- A display name as it is stored: one line that shows something, and not the name of the system
-- itself, however it is spelt. Null stays null.
--
-- Errors: INPUT_INVALID (422) `{field: "display_name", rule}`: length, reserved, or a rule of
-- private.read_text.
create or replace function private.read_name(p_text text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_name constant text := private.read_text(p_text, 'display_name', 80);
begin
  if private.is_blank(v_name) or v_name ~ '[\n\u2028\u2029]' then
    perform private.raise_input_invalid(
      'display_name', 'length', 'A name is one line of 1 to 80 characters.'
    );
  end if;
  if exists (
    select from public.users as u
    where u.role = 'system'
      and (
        lower(u.display_name) = lower(v_name)
        or private.fold_name(u.display_name) = nullif(private.fold_name(v_name), '')
      )
  ) then
    perform private.raise_input_invalid(
      'display_name', 'reserved', 'This is the name of the system itself.'
    );
  end if;
  return v_name;
end;
$$;

-- The look of a name: two names that fold to the same text look alike (Unicode TR 39, "confusable
-- detection"). Case, accents, spaces, punctuation, symbols and invisible characters do not count;
-- letters of other scripts count as the Latin ones that they look like.
create or replace function private.fold_name(p_name text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_name text;
begin
  -- Default_Ignorable_Code_Point, and the letters of it that NFKD would make visible.
  v_name := regexp_replace(
    p_name,
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e'
    '\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]',
    '', 'g'
  );
  v_name := regexp_replace(
    normalize(v_name, nfkd),
    '[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g'
  );
  -- Letters and digits of any script are left; bars stand for an l.
  v_name := regexp_replace(
    private.fold_look_alikes(lower(private.fold_look_alikes(v_name))),
    '[\u0001-/:-@\[-`{-\u00bf\u2000-\u206f\u2190-\u2bff\u3000-\u303f\ufe10-\ufe6f'
    '\U0001f000-\U0001faff]',
    '', 'g'
  );
  return replace(replace(v_name, 'rn', 'm'), 'vv', 'w');
end;
$$;

-- A phone number, as people write or paste it, in the form +919876543210; null stays null, an empty
-- text stays empty. An incomplete number is refused and never completed: it goes to the checkout.
--
-- Dropped: spaces, dots, hyphens, brackets of every kind, the marks that phones put around numbers,
-- and `tel:` before them.
-- Errors: INPUT_INVALID (422) `{field: "phone", rule: "e164" or "length"}`.
create or replace function private.read_phone(p_text text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_phone text;
begin
  perform private.check_size(p_text, 'phone', 200);
  v_phone := regexp_replace(
    p_text,
    '(?i)^tel:|[ ().\-/\t\u00a0\u00ad\u061c\u2000-\u2015\u202a-\u202f\u205f-\u206f\u2212\u3000'
    '\ufeff]',
    '', 'g'
  );
  if v_phone <> '' and not private.is_phone_number(v_phone) then
    perform private.raise_input_invalid(
      'phone', 'e164',
      'Write the phone number with its country code and no zero after it, as in +919876543210.'
    );
  end if;
  return v_phone;
end;
$$;

grant execute on function private.complete_profile(text, text, text, text) to authenticated;
grant execute on function public.complete_profile(text, text, text, text) to authenticated;
grant execute on function private.get_profile() to authenticated;
grant execute on function public.get_profile() to authenticated;

-- source: 20_accounts/export_my_data.sql sha256:db1b5fda0a827b4fa81af155952aa0fd55d7d73e5d8fe295bc1f1fc0eee86326
-- RPC: all that is the caller's own, in pages; returns `{version, section, rows, next_cursor}`. A
-- page is of one section: profile, bids, campaigns, applications, conversations, messages, files,
-- work, ratings, points, payouts, blocks, reports, devices, notifications; the last one has no
-- next_cursor. Rows have the columns of the tables; messages and files are those the caller sent
-- and may still read.
create or replace function public.export_my_data(
  cursor text default null,
  page_size integer default 500
)
returns json
language sql
set search_path = ''
as $$
  select private.export_my_data(cursor, page_size);
$$;

-- A page of the caller's own data.
--
-- Definer: much of it is private. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field: "cursor", rule: "format"}`,
-- RATE_LIMITED (429).
create or replace function private.export_my_data(p_cursor text, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_sections constant text[] := array[
    'profile', 'bids', 'campaigns', 'applications', 'conversations', 'messages', 'files', 'work',
    'ratings', 'points', 'payouts', 'blocks', 'reports', 'devices', 'notifications'
  ];
  c_after constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_[0-9]{1,18})?$';
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 500, 1000);
  v_section text := c_sections[1];
  v_after text;
  v_rows json;
  v_count integer;
  v_last text;
begin
  if p_cursor is not null then
    v_section := split_part(left(p_cursor, 200), ':', 1);
    v_after := nullif(split_part(lower(left(p_cursor, 200)), ':', 2), '');
    if v_section <> all (c_sections) or v_after !~ c_after and v_after !~ '^[0-9]{1,18}$'
      and not private.is_file_path(v_after) then
      perform private.raise_input_invalid(
        'cursor', 'format', 'Pass next_cursor of the page before, or nothing.'
      );
    end if;
  end if;
  perform private.limit_rate(v_me, 'export');
  select json_agg(r.item order by r.place), count(*), (array_agg(r.key order by r.place desc))[1]
  into v_rows, v_count, v_last
  from (
    select r.key, r.item, row_number() over () as place
    from private.list_my_rows(v_me, v_section, v_after, v_limit) as r
  ) as r;
  return json_build_object(
    'version', 1,
    'section', v_section,
    'rows', coalesce(v_rows, '[]'),
    'next_cursor', case
      when v_count = v_limit then v_section || ':' || v_last
      else c_sections[array_position(c_sections, v_section) + 1] || ':'
    end
  );
end;
$$;

-- A user's rows of one section after a key, in the order of their keys.
create or replace function private.list_my_rows(
  p_user_id uuid,
  p_section text,
  p_after text,
  p_limit integer
)
returns table (key text, item jsonb)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_id constant uuid := case when p_after like '%-%' then left(p_after, 36)::uuid end;
  v_number constant bigint := case
    when p_after like '%-%' then nullif(split_part(p_after, '_', 2), '')::bigint
    else p_after::bigint
  end;
begin
  case p_section
    when 'profile' then
      return query select u.id::text, private.get_profile()::jsonb
      from public.users as u where u.id = p_user_id and v_id is null;
    when 'bids' then
      return query select b.id::text, to_jsonb(b) from public.bids as b
      where b.influencer_id = p_user_id and (v_id is null or b.id > v_id)
      order by b.id limit p_limit;
    when 'campaigns' then
      return query select c.id::text, to_jsonb(c) from public.campaigns as c
      where c.brand_owner_id = p_user_id and (v_id is null or c.id > v_id)
      order by c.id limit p_limit;
    when 'applications' then
      return query select r.id::text, to_jsonb(r) from public.requests as r
      where r.influencer_id = p_user_id and (v_id is null or r.id > v_id)
      order by r.id limit p_limit;
    when 'conversations' then
      return query
      select
        p.conversation_id::text,
        jsonb_build_object(
          'id', c.id, 'kind', c.kind, 'role', p.role, 'created_at', c.created_at,
          'last_message_at', c.last_message_at, 'read_seq', p.read_seq,
          'pinned_at', p.pinned_at, 'muted_until', p.muted_until
        )
      from private.participants as p
      join private.conversations as c on c.id = p.conversation_id
      where p.user_id = p_user_id and (v_id is null or p.conversation_id > v_id)
      order by p.conversation_id limit p_limit;
    when 'messages' then
      return query
      select
        m.conversation_id || '_' || m.seq,
        jsonb_build_object(
          'id', m.id, 'conversation_id', m.conversation_id, 'seq', m.seq, 'message', m.message,
          'media_url', m.media_url, 'attachments', m.attachments,
          'message_type', m.message_type, 'action_data', m.action_data,
          'reply_to', m.reply_to, 'expires_at', m.expires_at, 'created_at', m.created_at
        )
      from private.participants as p
      join public.messages as m
        on m.conversation_id = p.conversation_id and m.sender_id = p_user_id
      where p.user_id = p_user_id
        and (m.expires_at is null or m.expires_at > now())
        and (v_id is null or (m.conversation_id, m.seq) > (v_id, v_number))
      order by m.conversation_id, m.seq limit p_limit;
    when 'files' then
      return query
      select
        f.path,
        jsonb_build_object(
          'path', f.path, 'conversation_id', f.conversation_id, 'message_id', f.message_id,
          'is_work', f.is_work, 'size', (o.metadata ->> 'size')::bigint,
          'media_type', o.metadata ->> 'mimetype', 'created_at', f.created_at
        )
      from private.files as f
      join storage.objects as o on o.bucket_id = 'attachments' and o.name = f.path
      left join private.visible_messages as m on m.id = f.message_id
      where f.owner_id = p_user_id and f.dropped_at is null
        and (f.message_id is null or m.id is not null)
        and f.path > coalesce(p_after, '')
      order by f.path limit p_limit;
    when 'work' then
      return query
      select w.id::text, to_jsonb(w) - 'feedback'
      from public.work_submissions as w
      join private.conversations as c on c.id = w.conversation_id
      where c.influencer_id = p_user_id and (v_id is null or w.id > v_id)
      order by w.id limit p_limit;
    when 'ratings' then
      return query select r.conversation_id::text, to_jsonb(r) from private.ratings as r
      where r.rater_id = p_user_id and (v_id is null or r.conversation_id > v_id)
      order by r.conversation_id limit p_limit;
    when 'points' then
      return query select l.id::text, to_jsonb(l) from private.points_ledger as l
      where l.user_id = p_user_id and (v_number is null or l.id > v_number)
      order by l.id limit p_limit;
    when 'payouts' then
      return query select o.id::text, to_jsonb(o) from private.payouts as o
      where o.influencer_id = p_user_id and (v_id is null or o.id > v_id)
      order by o.id limit p_limit;
    when 'blocks' then
      return query select b.blocked_id::text, to_jsonb(b) from public.blocks as b
      where b.blocker_id = p_user_id and (v_id is null or b.blocked_id > v_id)
      order by b.blocked_id limit p_limit;
    when 'reports' then
      -- The evidence has other users' messages.
      return query select r.id::text, to_jsonb(r) - 'evidence' from private.reports as r
      where r.reporter_id = p_user_id and (v_id is null or r.id > v_id)
      order by r.id limit p_limit;
    when 'devices' then
      return query select t.id::text, to_jsonb(t) - 'keys' from private.push_tokens as t
      where t.user_id = p_user_id and t.id::text > coalesce(p_after, '')
      order by t.id::text limit p_limit;
    when 'notifications' then
      return query select n.id::text, to_jsonb(n) from private.notifications as n
      where n.user_id = p_user_id and (v_number is null or n.id > v_number)
      order by n.id limit p_limit;
  end case;
end;
$$;

grant execute on function private.export_my_data(text, integer) to authenticated;
grant execute on function public.export_my_data(text, integer) to authenticated;

-- source: 20_accounts/fold_look_alikes.sql sha256:ce1d558e8240e93e71e3c6e2cd52238491b59b77bcbe3ff8ff1244abf8306c16
-- A text with each letter that looks like a Latin letter or digit replaced by that one.
--
-- Written by scripts/build/build_tables.py from Unicode's confusables (TR 39); call it on a text in
-- form NFKD without its marks, which has turned full-width, circled and mathematical letters into
-- plain ones already.
create or replace function private.fold_look_alikes(p_text text)
returns text
language sql
immutable
set search_path = ''
as $$
  select translate(
    p_text,
    u&'\+01f10d\2780\01a7\01bb\03e8\14bf\2781\a644\a6ef\a75a\01b7\021c\0417\0498\04e0\2782\2ccc'
    '\a76a\a7ab\+0118ca\+016f3b\+01d206\13ce\2783\+0118af\01bc\2784\+0118bb\0431\13ee\2785'
    '\2cd2\+0118d5\2786\+0104d2\+0118c6\+01d212\0222\0223\09ea\0a6a\2787\+01031a\+01e8cb\09ed'
    '\0a67\0b68\0d6d\2788\2cca\a76e\+0118ac\+0118cc\+0118d6\023a\0251\0391\03b1\0410\0430'
    '\13aa\15c5\1d00\1d8f\2376\237a\2c65\a4ee\+0102a0\+016f40\+01f150\+01f170\+01f1e6\+0e0041'
    '\+0e0061\0180\0181\0182\0183\0184\0243\0253\0299\0392\0411\0412\042c\0462\0463\048c\048d'
    '\13cf\13f4\1472\1473\15af\15f7\1d6c\1d80\a4d0\a796\a797\a7b4\+010282\+0102a1\+010301'
    '\+01f151\+01f171\+01f1e7\+0e0042\+0e0062\00a2\00a9\0187\0188\023b\023c\0255\0421\0441'
    '\04aa\04ab\13df\1d04\20a1\2ca4\2ca5\a4da\a792\a793\a794\a7c4\abaf\+0102a2\+010302'
    '\+010415\+01043d\+01051c\+0118e9\+0118f2\+01df1d\+01f152\+01f16e\+01f172\+01f1e8\+01f74c'
    '\+0e0043\+0e0063\00d0\0110\0111\0189\018a\018b\018c\0221\0256\0257\0501\13a0\13e7\146f'
    '\15de\15ea\1d05\1d6d\1d81\1d91\20ab\a4d2\a4d3\a7c7\a7c8\+01f153\+01f173\+01f1a5\+01f1e9'
    '\+0e0044\+0e0064\0246\0247\0395\0415\0435\04bd\04bf\13ac\1d07\1d92\212e\22ff\2c78\2d39'
    '\a4f0\ab32\ab34\+010286\+0118a6\+0118ae\+01f154\+01f174\+01f1ea\+0e0045\+0e0065\0191'
    '\0192\03dc\15b4\1d6e\1d82\a4dd\a730\a798\+010287\+0102a5\+010525\+0118a2\+0118c2\+01d213'
    '\+01f155\+01f175\+01f1eb\+0e0046\+0e0066\018d\0193\01e4\01e5\0260\0261\0262\029b\050c'
    '\0581\13c0\13f3\1d83\a4d6\a7a0\a7a1\+01f156\+01f176\+01f1ec\+0e0047\+0e0067\0126\0127'
    '\0266\029c\0397\041d\045b\04a2\04bb\04c7\04c9\0570\13bb\13c2\13f2\157c\2c67\2c68\2c8e'
    '\a4e7\a695\a795\a7aa\+0102cf\+01f157\+01f177\+01f1ed\+0e0048\+0e0068\0131\0268\0269\026a'
    '\03b9\0456\13a5\1d7b\1d7c\1d96\2373\2378\a647\ab75\+0118c3\+01df1a\+01f158\+01f178'
    '\+01f1ee\+0e0049\+0e0069\0248\0249\029d\037f\03f3\0408\0458\13ab\148d\1d0a\a4d9\a7b2'
    '\+01f159\+01f179\+01f1ef\+0e004a\+0e006a\0198\0199\039a\041a\049a\049e\13e6\16d5\1d0b'
    '\1d84\20ad\2c69\2c6a\2c94\a4d7\a740\a741\a742\a743\a744\a745\a7a2\a7a3\+010518\+01f15a'
    '\+01f17a\+01f1f0\+0e004b\+0e006b1I|\0141\0142\0196\0197\019a\01c0\0234\023d\026b\026c'
    '\026d\029f\0399\0406\04c0\04cf\05c0\05d5\05df\0627\0661\0673\06f1\07ca\13de\14aa\16c1'
    '\18f3\1d0c\1d85\2223\23fd\2c60\2c61\2c62\2c92\2cd0\2d4f\a4e1\a4f2\a748\a749\a78e\a7ad'
    '\ab37\ab38\ab39\+01028a\+010309\+010320\+01041b\+010526\+0118a3\+0118b2\+016f16\+016f28'
    '\+01d22a\+01df04\+01df11\+01df13\+01e8c7\+01f15b\+01f17b\+01f1f1\+0e004c\+0e006c\0271'
    '\039c\03fa\041c\04cd\13b7\15f0\16d6\1d0d\1d6f\1d86\2c6e\2c98\a4df\ab3a\ab51\+0102b0'
    '\+010311\+011700\+0118e3\+01f15c\+01f17c\+01f1f2\+0e004d\+0e006d\019d\019e\0220\0235'
    '\0272\0273\0274\039d\03b7\0578\057c\1d70\1d87\2c9a\a4e0\a790\a791\a7a4\a7a5\ab3b\+01018e'
    '\+010513\+01f15d\+01f17d\+01f1f3\+0e004e\+0e006e0\00d8\00f8\019f\0275\0398\039f\03b8'
    '\03bf\03c3\041e\043e\0472\0473\04e8\04e9\0555\0585\05e1\0629\0647\0665\06be\06c1\06c3'
    '\06d5\06f5\06ff\07c0\0966\09e6\0a66\0ae6\0b20\0b66\0be6\0c66\0ce6\0d20\0d66\0e50\0ed0'
    '\1010\101d\1040\10ff\12d0\13a4\13be\13eb\1d0f\1d11\2296\229d\2365\236c\2c7a\2c9e\2c9f'
    '\2d31\2d41\2d54\3007\a4f3\a74a\a74b\a74c\a74d\ab3d\ab3e\ab74\ab8e\abbb\+010292\+0102ab'
    '\+010404\+01042c\+0104c2\+0104ea\+010516\+0114d0\+0118b5\+0118c8\+0118d7\+0118e0\+01d21a'
    '\+01df1b\+01f15e\+01f17e\+01f1f4\+01f714\+0e004f\+0e006f\01a4\01a5\03a1\03c1\0420\0440'
    '\13e2\146d\18d6\1d18\1d71\1d7d\1d88\2117\2374\2c63\2ca2\2ca3\a4d1\a750\a751\a752\a753'
    '\a754\a755\+010295\+01f15f\+01f17f\+01f18a\+01f1f5\+0e0050\+0e0070\024b\02a0\051b\0563'
    '\0566\2d55\a756\a757\a758\a759\a7af\+01f160\+01f180\+01f1f6\+0e0051\+0e0071\00ae\01a6'
    '\024c\024d\027c\027d\027e\0280\0433\0493\13a1\13d2\1587\18f4\1d26\1d72\1d73\1d89\2c64'
    '\2c85\a4e3\a7a6\a7a7\ab46\ab47\ab48\ab49\ab81\+0104b4\+016f35\+01d216\+01df16\+01f161'
    '\+01f181\+01f1f7\+0e0052\+0e0072f\01bd\023f\0282\0405\0455\054f\0584\13d5\13da\18db\18f5'
    '\1d74\1d8a\1e9d\2c7e\a4e2\a731\a799\a7a8\a7a9\a7c5\a7c9\a7ca\ab35\abaa\+010296\+010420'
    '\+010448\+0118c1\+016f3a\+01df1e\+01f162\+01f182\+01f1f8\+0e0053\+0e0073\0166\0167\01ab'
    '\01ac\01ad\01ae\0236\023e\0288\03a4\0422\04ac\13a2\13bf\1d1b\1d75\20ae\22a4\2361\27d9'
    '\2c66\2ca6\a4d4\+010297\+0102b1\+010315\+0118bc\+016f0a\+01df09\+01f163\+01f183\+01f1f9'
    '\+01f768\+0e0054\+0e0074\0244\028b\03c5\054d\057d\1200\13cc\144c\1d1c\1d7e\1d99\222a'
    '\22c3\a4f4\a79f\a7b8\a7b9\ab4e\ab52\ab9c\+0104ce\+0104f6\+0118b8\+0118d8\+016f42\+01f164'
    '\+01f184\+01f1fa\+0e0055\+0e0075\01b2\03bd\0474\0475\05d8\0667\06f7\13d9\142f\1d20\2228'
    '\22c1\2c71\2c74\2d38\a4e6\a6df\a75e\a75f\aba9\+010197\+01051d\+011706\+0118a0\+0118c0'
    '\+016f08\+01d20d\+01f165\+01f185\+01f1fb\+01f708\+0e0056\+0e0076\026f\0461\047d\051c'
    '\051d\0561\13b3\13d4\1d21\20a9\2c72\2c73\a4ea\a761\ab83\+0114c5\+01170a\+01170e\+01170f'
    '\+0118e6\+0118ef\+01f166\+01f186\+01f1fc\+0e0057\+0e0077\00d7\03a7\0425\0445\04b2\1541'
    '\157d\166d\166e\16b7\1d8d\2573\292b\292c\2a2f\2a30\2cac\2d5d\a4eb\a7b3\ab56\ab57\ab58'
    '\ab59\+010196\+010290\+0102b4\+010317\+010322\+010527\+0118ec\+01f167\+01f187\+01f1fd'
    '\+0e0058\+0e0078\00a5\01b3\01b4\024e\024f\0263\028f\03a5\03b3\0423\0443\04ae\04af\04b0'
    '\04b1\10e7\13a9\13bd\1d8c\1efe\1eff\2ca8\a4ec\ab5a\+0102b2\+0118a4\+0118dc\+016f43'
    '\+01f168\+01f188\+01f1fe\+0e0059\+0e0079\01b5\01b6\0224\0225\0240\0290\0291\0396\13c3'
    '\1646\1d22\1d76\1d8e\2c6b\2c6c\2c7f\a4dc\a7c6\ab93\+0102f5\+0118a9\+0118c4\+0118e5'
    '\+01f169\+01f189\+01f1ff\+0e005a\+0e007a',
    u&'012222222233333333333344455566666777788888889999999999aaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbb'
    'bbbbbbbbbbbbbbbbbbbbbbbcccccccccccccccccccccccccccccccccccccdddddddddddddddddddddddddddd'
    'dddeeeeeeeeeeeeeeeeeeeeeeeeeffffffffffffffffffffggggggggggggggggggggghhhhhhhhhhhhhhhhhhh'
    'hhhhhhhhhhiiiiiiiiiiiiiiiiiiiiijjjjjjjjjjjjjjjjjkkkkkkkkkkkkkkkkkkkkkkkkkkkkklllllllllll'
    'llllllllllllllllllllllllllllllllllllllllllllllllllllllllllmmmmmmmmmmmmmmmmmmmmmmmmmnnnnn'
    'nnnnnnnnnnnnnnnnnnnnnnoooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo'
    'oooooooooooooooooooooooooooppppppppppppppppppppppppppppppppqqqqqqqqqqqqqqqqrrrrrrrrrrrrr'
    'rrrrrrrrrrrrrrrrrrrrrrrrsssssssssssssssssssssssssssssssssssssttttttttttttttttttttttttttt'
    'ttttttttuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvwwwwwwwwwwwwwwwww'
    'wwwwwwwwwxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyzzzzzzzzzz'
    'zzzzzzzzzzzzzzzzzz'
  );
$$;

-- source: 20_accounts/is_phone_number.sql sha256:871ed8de7b948b70838270f282da57ce9c36946f81ecb5eded2b3f09b8bcaab1
-- Whether a phone number in the form +919876543210 has a length that its country uses, and no wrong
-- zero after the country's code.
--
-- Written by scripts/build/build_tables.py from Google's libphonenumber: for each set of countries,
-- their codes, and how many digits follow.
create or replace function private.is_phone_number(p_phone text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select p_phone ~ (
    '^\+(?:'
    '(?:[17]|3[0]|5[28]|9[01]|23[4])[1-9][0-9]{9}|(?:2[0]|6[04]|85[6]|96[4]|97[6])[1-9][0-9]{7,'
    '9}|(?:2[7])[1-9][0-9]{4,8}|(?:3[1])[1-9](?:[0-9]{8}|[0-9]{10})|(?:3[26]|5[1]|6[6]|21[3]|22'
    '[4]|25[08]|26[4]|35[5]|37[7]|38[57]|59[3]|85[5]|88[6]|96[23]|97[01])[1-9][0-9]{7,8}|(?:3[3'
    '4]|4[1]|5[6]|6[1]|9[34]|21[128]|22[1]|23[37]|24[0459]|25[156]|26[0123]|35[1]|37[5]|38[0]|4'
    '2[0]|59[046]|96[6]|99[24568])[1-9][0-9]{8}|(?:3[9])[0-9][0-9]{5,11}|(?:4[0]|37[6]|50[8])[1'
    '-9](?:[0-9]{5}|[0-9]{8})|(?:4[3])[1-9][0-9]{3,12}|(?:4[4]|8[14]|9[2]|88[1])[1-9][0-9]{8,9}'
    '|(?:4[57]|6[5]|21[6]|22[23678]|23[256]|25[37]|26[68]|35[067]|37[0134]|38[269]|50[234569]|5'
    '9[18]|68[9]|85[23]|96[58]|97[34]|99[3])[1-9][0-9]{7}|(?:4[6]|23[1]|25[4]|59[5]|96[7])[1-9]'
    '[0-9]{6,8}|(?:4[8]|22[0]|26[5]|35[4]|42[3])[1-9](?:[0-9]{6}|[0-9]{8})|(?:4[9])[1-9][0-9]{4'
    ',12}|(?:5[3])[1-9](?:[0-9]{5}|[0-9]{6}|[0-9]{7}|[0-9]{9})|(?:5[45])[1-9][0-9]{9,10}|(?:5[7'
    ']|85[0]|97[7])[1-9](?:[0-9]{7}|[0-9]{9})|(?:6[2]|38[1])[1-9][0-9]{6,11}|(?:6[3])[1-9](?:[0'
    '-9]{5}|[0-9]{7}|[0-9]{8}|[0-9]{9})|(?:8[2])[1-9](?:[0-9]{4}|[0-9]{5}|[0-9]{7}|[0-9]{8}|[0-'
    '9]{9})|(?:8[6])[1-9][0-9]{6,10}|(?:9[5]|88[0])[1-9][0-9]{5,9}|(?:9[8])[1-9](?:[0-9]{5}|[0-'
    '9]{6}|[0-9]{9})|(?:22[59])[0-9][0-9]{9}|(?:23[0]|26[7]|37[2]|50[7]|59[9]|67[05]|96[1]|97[5'
    '])[1-9][0-9]{6,7}|(?:23[89]|24[68]|26[9]|29[17]|50[1]|59[2]|67[349]|68[0]|69[12]|96[0])[1-'
    '9][0-9]{6}|(?:24[1])[0-9][0-9]{6,7}|(?:24[2])[0-9][0-9]{8}|(?:24[3]|35[3])[1-9][0-9]{6,9}|'
    '(?:24[7]|50[0]|68[2])[1-9][0-9]{4}|(?:25[2]|35[9])[1-9][0-9]{5,8}|(?:29[0])[1-9][0-9]{3,4}'
    '|(?:29[89]|67[2]|68[17])[1-9][0-9]{5}|(?:35[2])[1-9][0-9]{3,10}|(?:35[8])[1-9][0-9]{4,9}|('
    '?:37[8])[0-9](?:[0-9]{7}|[0-9]{9})|(?:38[3])[1-9][0-9]{7,11}|(?:42[1])[1-9](?:[0-9]{5}|[0-'
    '9]{6}|[0-9]{8})|(?:59[7])[1-9][0-9]{5,6}|(?:67[678])[1-9](?:[0-9]{4}|[0-9]{6})|(?:68[3])[1'
    '-9](?:[0-9]{3}|[0-9]{6})|(?:68[5])[1-9](?:[0-9]{4}|[0-9]{5}|[0-9]{6}|[0-9]{9})|(?:68[6])[1'
    '-9](?:[0-9]{4}|[0-9]{7})|(?:68[8])[1-9][0-9]{4,6}|(?:69[0])[1-9][0-9]{3,6}|(?:87[0])[1-9]('
    '?:[0-9]{8}|[0-9]{11})|(?:88[2])[1-9](?:[0-9]{6}|[0-9]{7}|[0-9]{8}|[0-9]{9}|[0-9]{11})|(?:9'
    '7[2])[1-9](?:[0-9]{7}|[0-9]{8}|[0-9]{10}|[0-9]{11})'
    ')$'
  );
$$;

-- source: 20_accounts/lock_account.sql sha256:e9b59d6e29b5060464c6558d4dfc2f1c67fe299743c6487d5dac69469f90f9e6
-- Locks the caller's account until the transaction ends and returns it: the first lock of every
-- write that sends, so that one user's sends follow each other and locks have one order.
--
-- Locks: the account's row.
-- Errors: AUTH_REQUIRED (401) when the login was deleted while this waited, FORBIDDEN (403) for an
-- anonymous one.
create or replace function private.lock_account(p_user_id uuid)
returns private.accounts
language plpgsql
set search_path = ''
as $$
declare
  v_account private.accounts;
begin
  select a.* into v_account
  from private.accounts as a
  where a.user_id = p_user_id
  for no key update;
  if not found then
    perform private.raise_no_account(p_user_id);
  end if;
  return v_account;
end;
$$;

-- Locks the account of a user with whom the caller opens a conversation. So a block by that user,
-- or the deletion of that login, either came before or sees the conversation. Two users who open
-- one with each other do not wait for each other, and sends do not wait.
--
-- Call it after private.lock_account and before any other lock.
-- Locks: the other user's account (key share).
create or replace function private.lock_peer(p_user_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform 1 from private.accounts as a where a.user_id = p_user_id for key share;
end;
$$;

-- source: 20_accounts/note_visit.sql sha256:073fc86e480f1a3325d2792af4cf1399458d878caf1c165c60afb28bdaf6a3a6
-- Records a user's last visit to the minute, so that most calls write nothing.
--
-- Locks, writes: the user's row of accounts.
create or replace function private.note_visit(p_user_id uuid)
returns void
language sql
set search_path = ''
as $$
  update private.accounts as a
  set last_seen_at = now()
  where a.user_id = p_user_id
    and (a.last_seen_at is null or a.last_seen_at < now() - interval '1 minute');
$$;

-- source: 20_accounts/touch_conversations.sql sha256:d43f9e5590ef5d926a1b063c6b1e81d11ec64568c1821179d17dc34816820260
-- Copies into a user's conversations whether the user shows read marks (null once the account is
-- gone), and raises their versions, so that clients load the user's card anew.
--
-- Locks, writes: the user's rows of private.participants, locked in the order of their ids as
-- everywhere.
create or replace function private.touch_conversations(p_user_id uuid)
returns void
language sql
set search_path = ''
as $$
  select 1 from private.participants as p
  where p.user_id = p_user_id
  order by p.conversation_id
  for no key update;

  update private.participants as p
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1,
    shares_read_receipts = (
      select a.shares_read_receipts from private.accounts as a where a.user_id = p_user_id
    )
  where p.user_id = p_user_id;
$$;

-- source: 25_points/get_points_history.sql sha256:20dcc5cbce377d0938e60ba2e96f3f6e3e56efb29ce2397a23e67b2a6e205174
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

-- RPC: the changes of the caller's points, newest first; returns
-- `[{id, delta, reason, balance_after, message_id, created_at}]`; `before` is an id of that list.
create or replace function public.get_points_history(
  page_size integer default 50,
  before bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_points_history(page_size, before);
$$;

grant execute on function private.get_points_history(integer, bigint) to authenticated;
grant execute on function public.get_points_history(integer, bigint) to authenticated;

-- source: 25_points/get_quota.sql sha256:671b16ea8983719cd8eaa7c2f8e0e488f0c8df8d6bfa00f7afda715f99fbab0b
-- The caller's quota at this moment.
--
-- Definer: accounts are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_quota()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return (select private.quota_json(a) from private.accounts as a where a.user_id = v_me);
end;
$$;

-- RPC: the caller's free messages and points; returns `{daily_free_limit, used_today, free_left,
-- points_per_message, cost, points_balance, resets_at, timezone}`.
create or replace function public.get_quota()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_quota();
$$;

grant execute on function private.get_quota() to authenticated;
grant execute on function public.get_quota() to authenticated;

-- source: 25_points/grant_points.sql sha256:d701db1b3bedc720519e7da04661aa86dd1756ae1b9185ff29b55a8e1f9f7dd3
-- Adds points to a user's balance. A repeated grant_id is the same grant and changes nothing.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's account. Writes: accounts, points_ledger. Events: quota_changed.
-- Errors: FORBIDDEN (403), also for points to oneself; USER_NOT_FOUND (404), INPUT_INVALID (422),
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
  v_reason text;
  v_balance bigint;
  v_entry private.points_ledger;
begin
  perform private.require_operator();
  if p_user_id = auth.uid() then
    perform private.raise_error(
      'FORBIDDEN', 'An operator grants themselves nothing.', p_status => 403,
      p_hint => 'Ask another operator.'
    );
  end if;
  v_reason := coalesce(nullif(private.read_text(p_reason, 'reason', 200), ''), 'grant');
  if p_points is null or p_points not between 1 and 1000000000 then
    perform private.raise_input_invalid('points', 'range', 'Grant 1 to 1,000,000,000 points.');
  end if;
  if p_grant_id is null then
    perform private.raise_input_invalid('grant_id', 'required', 'Pass an id for this grant.');
  end if;
  perform 1 from private.accounts as a where a.user_id = p_user_id for no key update;
  if not found then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;

  select l.* into v_entry from private.points_ledger as l where l.grant_id = p_grant_id;
  if not found then
    update private.accounts as a
    set
      points_balance = a.points_balance + p_points,
      points_high = a.points_balance + p_points
    where a.user_id = p_user_id
    returning a.points_balance into v_balance;
    insert into private.points_ledger (user_id, delta, reason, balance_after, grant_id)
    values (p_user_id, p_points, v_reason, v_balance, p_grant_id)
    -- Another call may use the same grant_id for another user, whose account is not locked here.
    on conflict (grant_id) do nothing
    returning * into v_entry;
    perform private.tell_quota(p_user_id, -p_points, p_is_send => false, p_has_listener => true);
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
set search_path = ''
as $$
  select private.grant_points(user_id, points, reason, grant_id);
$$;

grant execute on function private.grant_points(uuid, bigint, text, uuid)
to authenticated, service_role;
grant execute on function public.grant_points(uuid, bigint, text, uuid)
to authenticated, service_role;

-- source: 25_points/spend_points.sql sha256:a02d37c5701cc45d5dee72e1199a16d470d5cff56df77634f86794cf697bc720
-- Takes points from an account and enters them in the ledger; nothing happens for a price of 0.
--
-- Sends charge themselves; see private.send_message.
-- Args: the locked account; the price; the most the user agrees to (null: any); the reason; the
-- message, if it is one.
-- Writes: accounts, points_ledger, and as tell_quota.
-- Errors: those of check_price.
create or replace function private.spend_points(
  p_account private.accounts,
  p_price integer,
  p_max_points integer,
  p_reason text,
  p_message_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_price > 0 then
    perform private.check_price(p_account, p_price, p_max_points);
    update private.accounts as a
    set points_balance = a.points_balance - p_price
    where a.user_id = p_account.user_id;
    insert into private.points_ledger (user_id, delta, reason, balance_after, message_id)
    values (
      p_account.user_id, -p_price, p_reason, p_account.points_balance - p_price, p_message_id
    );
    perform private.tell_quota(
      p_account.user_id, p_price, p_is_send => false,
      p_has_listener => exists (
        select from private.other_sessions as s where s.user_id = p_account.user_id
      )
    );
  end if;
end;
$$;

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

-- Tells a user's devices that the quota changed.
--
-- The answer of a call has the quota already: quota_changed is for devices that did not call. The
-- notification quota_low is sent when a fifth of the free messages is left, and when none is;
-- points_low at a fifth of the balance after the newest credit, and when the balance no longer pays
-- for a message.
-- Args: the user; the points that were just spent (negative: given); whether a message was just
-- counted; whether another device may be listening.
-- Writes: notifications, push_outbox, realtime.messages. Events: quota_changed, notification.
create or replace function private.tell_quota(
  p_user_id uuid,
  p_spent bigint,
  p_is_send boolean,
  p_has_listener boolean
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account private.accounts;
  v_free_left integer;
  v_is_quota_low boolean;
begin
  select a.* into v_account from private.accounts as a where a.user_id = p_user_id;
  v_free_left := v_account.daily_free_limit - v_account.messages_sent_today;
  v_is_quota_low := p_is_send and v_free_left in (0, v_account.daily_free_limit / 5);
  if p_has_listener and (v_is_quota_low or p_spent <> 0) then
    perform private.broadcast(
      array['quota_changed'], array['user:' || p_user_id], array[private.quota_json(v_account)]
    );
  end if;
  if v_is_quota_low then
    perform private.notify(
      p_user_id, 'quota_low', null, jsonb_build_object('free_left', v_free_left)
    );
  end if;
  if p_spent > 0 and (
    v_account.points_balance < v_account.points_per_message
    or v_account.points_high / 5
      between v_account.points_balance and v_account.points_balance + p_spent - 1
  ) then
    perform private.notify(
      p_user_id, 'points_low', null,
      jsonb_build_object('points_balance', v_account.points_balance)
    );
  end if;
end;
$$;

-- An account's quota as clients get it: `{daily_free_limit, used_today, free_left,
-- points_per_message, cost, points_balance, resets_at, timezone}`; cost is the price of the next
-- message in points.
create or replace function private.quota_json(p_account private.accounts)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_timezone constant text := (select r.quota_timezone from private.send_rules as r);
  -- The day never goes back, whatever time zone an operator sets.
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
    'cost', case
      when v_used < p_account.daily_free_limit then 0
      else p_account.points_per_message
    end,
    'points_balance', p_account.points_balance,
    'resets_at', (v_day + 1)::timestamp at time zone v_timezone,
    'timezone', v_timezone
  );
end;
$$;

-- source: 30_chat/advance_receipts.sql sha256:d6ad50b5ddfbe6e23cbd53f20144c84e989d3ce7a3fe32aa612a9b2effff57d0
-- Moves the caller's marks forward, never back, and tells the other members: one event per
-- conversation, message_seen where the read mark moved and the caller shares read receipts,
-- otherwise message_delivered; none where nothing moved, and none across a block.
--
-- Args: the caller; conversations, and for each the newest read and the newest delivered message
-- (0: unchanged). Marks stop at the newest message; a read message counts as delivered.
-- Locks: the caller's rows of participants, in the order of their ids. Writes: participants,
-- realtime.messages.
-- Events: message_seen, message_delivered `{conversation_id, message_id, seq, user_id, read_at or
-- delivered_at}`; message_id is the newest message that the mark covers and that both members may
-- see, null when there is none. The caller's own topic hears them where another session may listen.
create or replace function private.advance_receipts(
  p_user_id uuid,
  p_conversation_ids uuid[],
  p_read_seqs bigint[],
  p_delivered_seqs bigint[]
)
returns void
language plpgsql
set search_path = ''
-- Otherwise Postgres would plan in each call, because a plan for the given arrays looks cheaper.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_events text[];
  v_topics text[];
  v_payloads jsonb[];
begin
  perform from private.participants as p
  where p.user_id = p_user_id and p.conversation_id = any (p_conversation_ids)
  order by p.conversation_id
  for no key update;

  with marks as (
    select
      p.conversation_id,
      other.user_id as other_id,
      p.read_seq as old_read_seq,
      p.delivered_seq as old_delivered_seq,
      greatest(p.read_seq, least(mark.read_seq, c.last_seq)) as read_seq,
      greatest(
        p.delivered_seq, least(greatest(mark.read_seq, mark.delivered_seq), c.last_seq)
      ) as delivered_seq,
      not p.blocks_other and not other.blocks_other as is_open,
      coalesce(p.shares_read_receipts and other.shares_read_receipts, true) as is_shared
    from unnest(p_conversation_ids, p_read_seqs, p_delivered_seqs)
      as mark (conversation_id, read_seq, delivered_seq)
    cross join lateral (
      select p.* from private.participants as p
      where p.conversation_id = mark.conversation_id and p.user_id = p_user_id
      offset 0  -- by its key: the planner would fetch all of the caller's
    ) as p
    join private.participants as other
      on other.conversation_id = mark.conversation_id and other.user_id <> p_user_id
    join private.conversations as c on c.id = mark.conversation_id
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
      -- A receipt that the other side may not see does not change its version either.
      shared_version = p.shared_version + (
        mark.is_open and (mark.is_shared or mark.delivered_seq > mark.old_delivered_seq)
      )::integer
    from marks as mark
    where p.conversation_id = mark.conversation_id
      and p.user_id = p_user_id
      and (mark.read_seq > mark.old_read_seq or mark.delivered_seq > mark.old_delivered_seq)
    returning mark.*
  ),
  told as (
    select
      reader.id,
      case when reader.knows then 'message_seen' else 'message_delivered' end as event,
      jsonb_build_object(
        'conversation_id', moved.conversation_id,
        'message_id', (
          select m.id
          from public.messages as m
          where m.conversation_id = moved.conversation_id
            and m.seq <= mark.seq
            and m.visible_to = 'all'
            and (m.expires_at is null or m.expires_at > now())
          order by m.seq desc
          limit 1
        ),
        'seq', mark.seq,
        'user_id', p_user_id,
        case when reader.knows then 'read_at' else 'delivered_at' end, now()
      ) as payload
    from moved
    cross join lateral (
      select moved.other_id as id, moved.read_seq > moved.old_read_seq and moved.is_shared as knows
      where moved.is_open
      union all
      select p_user_id, moved.read_seq > moved.old_read_seq
      where exists (
        select from private.other_sessions as s where s.user_id = p_user_id
      )
    ) as reader
    cross join lateral (
      select case when reader.knows then moved.read_seq else moved.delivered_seq end as seq
    ) as mark
    where reader.knows or moved.delivered_seq > moved.old_delivered_seq
  )
  select array_agg(t.event), array_agg('user:' || t.id), array_agg(t.payload)
  into v_events, v_topics, v_payloads
  from told as t;
  if v_events is not null then
    perform private.broadcast(v_events, v_topics, v_payloads);
  end if;
end;
$$;

-- source: 30_chat/conversations.sql sha256:7116080935716ab94772299afdb7d4b7f29f8c93900902a2d79d7a7e789566dc
-- The conversations that clients select from: private.conversations, each row as it is now.
--
-- A passed deadline counts at once here, as in every function; the table has it only after the next
-- action, sweep or sign-in. Columns that no deadline changes come from the table directly, so that
-- PostgREST finds its foreign keys.

-- The row of a conversation as it is now.
-- Definer: takes due steps in memory, by rows of the flow. It does not check its caller: the view
-- calls it for the rows that the policy of the table shows.
create or replace function private.conversation_now(p_conversation_id uuid)
returns setof private.conversations
language sql
stable
rows 1
security definer
set search_path = ''
as $$
  select due.*
  from private.conversations as c
  cross join lateral private.as_of_now(c) as due
  where c.id = p_conversation_id;
$$;

create or replace view public.conversations
with (security_invoker = true) as
select
  c.id,
  c.kind,
  c.user_a,
  c.user_b,
  c.brand_owner_id,
  c.influencer_id,
  now.flow_state,
  now.chat_status,
  now.automation_enabled,
  now.awaiting_role,
  now.current_action_data,
  now.flow_data,
  now.work_submission,
  now.work_submitted,
  now.work_status,
  now.submission_date,
  now.amount_minor,
  c.currency,
  now.deadline_at,
  now.version,
  now.last_seq,
  c.last_message_at,
  c.created_at,
  now.updated_at,
  c.bid_id,
  c.campaign_id,
  c.request_id,
  now.entered_at,
  now.delivery_due_at,
  now.close_reason,
  now.closed_by,
  now.captured_minor,
  now.held_minor,
  now.released_minor,
  now.fee_minor,
  now.refunded_minor,
  now.charged_back_minor
from private.conversations as c
cross join lateral private.conversation_now(c.id) as now;

grant execute on function private.conversation_now(uuid) to authenticated, service_role;
grant select on public.conversations to authenticated, service_role;

-- source: 30_chat/direct_connect.sql sha256:02cd946d2e1b7daa94d6057de29312e748d630a5d933def342e571bbc59fd13d
-- Opens the direct chat of the caller and another user, or finds the existing one.
--
-- send_message sends the first message, with its errors, its price and its retries.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the other's (key share), then the conversation. Writes: rate_limits,
-- points_ledger, and as private.found_conversation and send_message.
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
  v_direct private.conversations;
  v_outcome private.flow_step;
  v_conversation_id uuid;
  v_created boolean;
  v_sent json;
begin
  -- Bounded before anything is locked; send_message reads it again.
  perform private.read_text(p_initial_message, 'message', 5000);
  if p_target_user_id = v_me then
    perform private.raise_error(
      'SELF_CONVERSATION', 'You cannot open a chat with yourself.', p_status => 422
    );
  end if;
  v_account := private.lock_account(v_me);
  perform private.lock_peer(p_target_user_id);
  -- A retry of a successful first message gets the same answer, even after a block.
  if not exists (
    select from public.messages as m
    where m.sender_id = v_me
      and m.receiver_id = p_target_user_id
      and m.client_message_id = p_client_message_id
      and p_initial_message is not null
  ) then
    if not exists (select from private.accounts as a where a.user_id = p_target_user_id) then
      perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
    end if;
    if p_points_cost <> v_cost then
      perform private.raise_error(
        'POINTS_COST_MISMATCH', format('Opening a chat costs %s points.', v_cost),
        jsonb_build_object('points_cost', v_cost), p_status => 409,
        p_hint => 'Show the user this price and call again with it.'
      );
    end if;
    if private.is_blocked(v_me, p_target_user_id) then
      perform private.raise_error('BLOCKED', 'You cannot write to this user.', p_status => 403);
    end if;
  end if;

  v_direct.kind := 'direct';
  v_direct.user_a := least(v_me, p_target_user_id);
  v_direct.user_b := greatest(v_me, p_target_user_id);
  v_outcome := private.found_conversation(v_direct, v_me, 'member', 'direct_connect');
  v_conversation_id := (v_outcome.conversation).id;
  v_created := v_conversation_id is not null;
  if v_created then
    perform private.limit_rate(v_me, 'direct_connect');
    perform private.spend_points(v_account, v_cost, null, 'chat_open', null);
  else
    select c.id into v_conversation_id
    from private.conversations as c
    where c.kind = 'direct' and c.user_a = v_direct.user_a and c.user_b = v_direct.user_b;
  end if;

  if p_initial_message is not null then
    v_sent := private.send_message(
      v_conversation_id, p_initial_message, null, null, p_client_message_id, null, null,
      null
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
set search_path = ''
as $$
  select private.direct_connect(target_user_id, initial_message, points_cost, client_message_id);
$$;

grant execute on function private.direct_connect(uuid, text, integer, uuid) to authenticated;
grant execute on function public.direct_connect(uuid, text, integer, uuid) to authenticated;

-- source: 30_chat/get_conversation_context.sql sha256:42d5c14bda64dda72bc53a56d59d5da0df66ac2cedf7228042c0ca93130bc38d
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
set search_path = ''
as $$
  select private.get_conversation_context(conversation_id, known_version);
$$;

grant execute on function private.get_conversation_context(uuid, bigint) to authenticated;
grant execute on function public.get_conversation_context(uuid, bigint) to authenticated;

-- source: 30_chat/get_conversations.sql sha256:88c026297818c02d94dab8776ed4afb34e46a815865abfdaff01cc2be75e7b1e
-- A page of the caller's conversations, the one with the newest message first.
--
-- The cursor is the position of the last row, `<microseconds since 1970>_<conversation id>`;
-- clients pass it on and do not read it. Pinned conversations come first on the first page, in
-- addition to its size, and on no other page. The page comes from two indexes (the caller is one
-- member or the other) by the hour of the newest message, and is sorted within the hour. So its
-- cost does not grow with the number of messages or conversations.
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
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off
as $$
declare
  c_cursor constant text := '^[0-9]{1,18}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  v_me constant uuid := private.require_user();
  v_limit constant integer := least(greatest(coalesce(p_page_size, 10), 1), 100);
  v_filter constant text := coalesce(p_filter, 'open');
  v_at timestamptz := timestamptz 'infinity';
  v_hour timestamptz := timestamptz 'infinity';
  v_id uuid := v_me;
  -- At most 20 of them, the newest pins.
  v_pinned constant uuid[] := array(
    select p.conversation_id
    from private.participants as p
    where p.user_id = v_me and p.pinned_at is not null
    order by p.pinned_at desc
    limit 20
  );
  v_ids uuid[];
  v_times timestamptz[];
begin
  if v_filter not in ('open', 'archived', 'my_turn', 'unread', 'direct', 'deals', 'all') then
    perform private.raise_input_invalid(
      'filter', 'one_of', 'The filter is open, archived, my_turn, unread, direct, deals or all.'
    );
  end if;
  if p_cursor is not null then
    if lower(left(p_cursor, 100)) !~ c_cursor then
      perform private.raise_input_invalid(
        'cursor', 'format', 'Pass next_cursor of the page before, or nothing.'
      );
    end if;
    v_at := to_timestamp(0)
      + split_part(p_cursor, '_', 1)::bigint * interval '1 microsecond';
    v_id := split_part(p_cursor, '_', 2)::uuid;
    v_hour := date_bin('1 hour', v_at, timestamptz '2000-01-01 00:00:00+00');
  end if;

  -- One row more than the page, to see whether there is a next one.
  select array_agg(c.id), array_agg(c.last_message_at)
  into v_ids, v_times
  from (
    select c.id, c.last_message_at
    from (
      -- Both halves come in the order of an index, so that Postgres reads only a page of each.
      (
        select
          a.id, a.listed_at, a.last_message_at, a.kind, a.chat_status, a.last_seq, a.deadline_at
        from private.conversations as a
        where a.user_a = v_me
          and a.listed_at <= v_hour and (a.last_message_at, a.id) < (v_at, v_id)
        order by a.listed_at desc, a.last_message_at desc, a.id desc
      )
      union all
      (
        select
          b.id, b.listed_at, b.last_message_at, b.kind, b.chat_status, b.last_seq, b.deadline_at
        from private.conversations as b
        where b.user_b = v_me
          and b.listed_at <= v_hour and (b.last_message_at, b.id) < (v_at, v_id)
        order by b.listed_at desc, b.last_message_at desc, b.id desc
      )
      order by listed_at desc, last_message_at desc, id desc
    ) as c
    -- With "limit" the lateral join keeps the order.
    cross join lateral (
      select p.archived_seq
      from private.participants as p
      where p.conversation_id = c.id and p.user_id = v_me
      limit 1
    ) as me
    where c.id <> all (v_pinned) and case
      when c.deadline_at <= now() or v_filter in ('my_turn', 'unread', 'archived')
        then private.is_listed(c.id, v_filter)
      when v_filter = 'open'
        then c.chat_status <> 'closed' and me.archived_seq is distinct from c.last_seq
      when v_filter = 'direct' then c.kind = 'direct'
      when v_filter = 'deals' then c.kind <> 'direct'
      else true
    end
    order by c.listed_at desc, c.last_message_at desc, c.id desc
    limit v_limit + 1
  ) as c;

  return json_build_object(
    'conversations', (
      select coalesce(json_agg(row_to_json(c) order by page.place), '[]')
      from (
        select u.id, u.place
        from unnest(v_ids) with ordinality as u (id, place)
        where u.place <= v_limit
        union all
        select u.id, u.place - 21
        from unnest(v_pinned) with ordinality as u (id, place)
        where p_cursor is null and private.is_listed(u.id, v_filter)
      ) as page
      cross join lateral (
        select c.* from private.my_conversations as c where c.conversation_id = page.id
        offset 0  -- one at a time: the planner would fetch all of the caller's
      ) as c
    ),
    'next_cursor', case when cardinality(v_ids) > v_limit then
      (extract(epoch from v_times[v_limit]) * 1000000)::bigint || '_' || v_ids[v_limit]
    end
  );
end;
$$;

-- Whether a conversation belongs in its member's list under a filter of get_conversations. open:
-- neither archived nor closed. my_turn: the flow waits for this member. deals: bids and campaigns.
create or replace function private.is_listed(p_conversation_id uuid, p_filter text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_context record;
begin
  select c.kind, c.chat_status, c.awaiting_role, c.my_role, c.archived, c.unread_count
  into v_context
  from private.my_conversations as c
  where c.conversation_id = p_conversation_id;
  return case p_filter
    when 'all' then true
    when 'direct' then v_context.kind = 'direct'
    when 'deals' then v_context.kind <> 'direct'
    when 'my_turn' then coalesce(v_context.awaiting_role = v_context.my_role, false)
    when 'archived' then v_context.archived
    when 'unread' then v_context.unread_count > 0
    else v_context.chat_status <> 'closed' and not v_context.archived
  end;
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
set search_path = ''
as $$
  select private.get_conversations(page_size, "cursor", filter);
$$;

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
set search_path = ''
as $$
  select private.get_direct_connections(page_size, "cursor");
$$;

grant execute on function
  private.get_conversations(integer, text, text), public.get_conversations(integer, text, text),
  private.get_direct_connections(integer, text), public.get_direct_connections(integer, text)
to authenticated;

-- source: 30_chat/get_messages.sql sha256:31fec8057790d8e17080dfbd937c47c97ce28368987c1639ed9b28cf7d7f29c5
-- A page of a conversation's messages that the caller may read now.
--
-- Definer: checks the membership and the marks once instead of a policy for each row.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), MESSAGE_NOT_FOUND (404) when
-- `before` is no message of this conversation, INPUT_INVALID (422) for two directions at once.
create or replace function private.get_messages(
  p_conversation_id uuid,
  p_page_size integer,
  p_before_seq bigint,
  p_after_seq bigint,
  p_before uuid
)
returns setof public.chat_message
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_me constant uuid := auth.uid();
  v_before_seq bigint;
  v_read_seq bigint;
  v_read_at timestamptz;
  v_delivered_seq bigint;
  v_other_read_seq bigint;
  v_other_read_at timestamptz;
  v_other_delivered_seq bigint;
  v_role text;
  v_is_over boolean;
begin
  -- As private.my_marks; a test compares them.
  select
    me.read_seq, me.read_at, me.delivered_seq,
    case
      when me.blocks_other or other.blocks_other then 0
      when not (me.shares_read_receipts and other.shares_read_receipts) then 0
      else other.read_seq
    end,
    other.read_at,
    case when me.blocks_other or other.blocks_other then 0 else other.delivered_seq end,
    me.role
  into
    v_read_seq, v_read_at, v_delivered_seq, v_other_read_seq, v_other_read_at,
    v_other_delivered_seq, v_role
  from private.participants as me
  join private.participants as other
    on other.conversation_id = p_conversation_id and other.user_id <> v_me
  where me.conversation_id = p_conversation_id and me.user_id = v_me
    and me.shares_read_receipts is not null;
  if not found then
    perform private.require_user();
    perform private.raise_conversation_not_found();
  end if;
  if v_role <> 'member' then
    select c.deadline_at <= now() into v_is_over
    from private.conversations as c
    where c.id = p_conversation_id;
  end if;
  if p_after_seq is not null or p_before is not null then
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
      limit private.clamp_page_size(p_page_size, 50, 100);
      return;
    end if;
    -- An expired message, or one that only the other side sees, is still a position.
    select m.seq into v_before_seq
    from public.messages as m
    where m.id = p_before and m.conversation_id = p_conversation_id;
    if not found then
      perform private.raise_error(
        'MESSAGE_NOT_FOUND', 'There is no such message in this conversation.', p_status => 404
      );
    end if;
  end if;

  -- The pages below scan the primary key. They repeat the rule of private.visible_messages and the
  -- shape of private.my_messages.
  if coalesce(v_before_seq, p_before_seq) <= least(v_read_seq, v_other_read_seq) + 1 then
    -- Both have read the whole page, like most older ones: no row is compared with a mark.
    return query
    select
      m.id, m.conversation_id, m.seq, m.sender_id, m.receiver_id, m.message, m.media_url,
      m.attachments, m.message_type, m.visible_to, m.action_required, m.action_data,
      m.action_completed or m.action_required and coalesce(v_is_over, false), m.is_automated,
      m.reply_to, m.client_message_id, m.expires_at, true, true,
      case when m.sender_id = v_me then v_other_read_at else v_read_at end, 'read', m.created_at
    from public.messages as m
    where m.conversation_id = p_conversation_id
      and m.seq < coalesce(v_before_seq, p_before_seq)
      and (m.visible_to = 'all' or v_me in (m.sender_id, m.receiver_id))
      and (m.expires_at is null or m.expires_at > now())
    order by m.seq desc
    limit least(greatest(coalesce(p_page_size, 50), 1), 100);
    return;
  end if;
  return query
  select
    m.id, m.conversation_id, m.seq, m.sender_id, m.receiver_id, m.message, m.media_url,
    m.attachments, m.message_type, m.visible_to, m.action_required, m.action_data,
    m.action_completed or m.action_required and coalesce(v_is_over, false), m.is_automated,
    m.reply_to, m.client_message_id, m.expires_at,
    m.seq <= case when m.sender_id = v_me then v_other_read_seq else v_read_seq end,
    m.seq <= case when m.sender_id = v_me then v_other_read_seq else v_read_seq end,
    case when m.sender_id = v_me
      then case when m.seq <= v_other_read_seq then v_other_read_at end
      else case when m.seq <= v_read_seq then v_read_at end
    end,
    case when m.sender_id = v_me
      then case
        when m.seq <= v_other_read_seq then 'read'
        when m.seq <= v_other_delivered_seq then 'delivered'
        else 'sent'
      end
      else case
        when m.seq <= v_read_seq then 'read'
        when m.seq <= v_delivered_seq then 'delivered'
        else 'sent'
      end
    end,
    m.created_at
  from public.messages as m
  where m.conversation_id = p_conversation_id
    and m.seq < coalesce(v_before_seq, p_before_seq, 9223372036854775807)
    and (m.visible_to = 'all' or v_me in (m.sender_id, m.receiver_id))
    and (m.expires_at is null or m.expires_at > now())
  order by m.seq desc
  limit least(greatest(coalesce(p_page_size, 50), 1), 100);
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
as $$
  select * from private.get_messages(conversation_id, page_size, before_seq, after_seq, before);
$$;

grant execute on function
  private.get_messages(uuid, integer, bigint, bigint, uuid),
  public.get_messages(uuid, integer, bigint, bigint, uuid)
to authenticated;

-- source: 30_chat/get_unread_count.sql sha256:37ce4b1f39ea141237224371976880e0feec538cca78ae7d48230089150d102a
-- How many messages wait for the caller, counted from the read marks; no counter is stored.
--
-- Archived conversations count too, muted ones do not. Counts up to 1,000 messages in a
-- conversation.
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
        case when c.last_seq > p.read_seq and (p.muted_until is null or p.muted_until <= now())
          then (
            select count(*)
            from (
              select from public.messages as m
              where m.conversation_id = c.id and m.seq > p.read_seq
                and m.sender_id <> v_me
                and m.caused_by is distinct from v_me
                and (m.visible_to = 'all' or m.receiver_id = v_me)
                and (m.expires_at is null or m.expires_at > now())
              order by m.seq desc
              limit 1000
            ) as unread
          )
          else 0
        end as unread,
        coalesce(
          case
            when c.deadline_at <= now() then (private.as_of_now(c)).awaiting_role
            else c.awaiting_role
          end = p.role,
          false
        ) as is_my_turn
      from private.participants as p
      join private.conversations as c on c.id = p.conversation_id
      where p.user_id = v_me and (
        c.last_seq > p.read_seq or c.awaiting_role = p.role or c.deadline_at <= now()
      )
    ) as waiting
  );
end;
$$;

-- RPC: returns `{unread_messages, unread_conversations, my_turn}`.
create or replace function public.get_unread_count()
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_unread_count();
$$;

grant execute on function private.get_unread_count(), public.get_unread_count() to authenticated;

-- source: 30_chat/mark_read.sql sha256:a8cafbe227eb46db541b69dbe952c6ce33b708d8cd15e0e868953e2fc0736d8f
-- Records that the caller has read a conversation up to a message, or all of it.
--
-- Definer: clients have no write grant on any table.
-- Locks: as mark_receipts. Writes: as advance_receipts.
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
set search_path = ''
as $$
  select private.mark_read(conversation_id, up_to_seq);
$$;

-- Records that the caller has received a conversation up to a message, or all of it.
--
-- Definer: clients have no write grant on any table.
-- Locks: as mark_receipts. Writes: as advance_receipts.
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
set search_path = ''
as $$
  select private.mark_delivered(conversation_id, up_to_seq);
$$;

-- Moves the caller's marks in one conversation and returns them:
-- `{read_seq, delivered_seq, unread_count}`.
--
-- Locks: the account, when the conversation is not visible yet; the conversation, when the marked
-- message is not visible yet; then as advance_receipts.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.mark_receipts(
  p_conversation_id uuid,
  p_read_seq bigint,
  p_delivered_seq bigint
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  c_everything constant bigint := 9223372036854775807;
  v_me constant uuid := private.require_user();
  v_up_to_seq constant bigint := greatest(p_read_seq, p_delivered_seq);
begin
  -- Realtime reads events from the log, so a client may hear of a transaction before its rows are
  -- visible here. Then the mark waits for the locks of that transaction: opening a conversation
  -- locks both members' accounts, and a send locks the conversation.
  if not private.is_my_conversation(p_conversation_id) then
    perform from private.accounts as a where a.user_id = v_me for update;
    if not private.is_my_conversation(p_conversation_id) then
      perform private.raise_conversation_not_found();
    end if;
  end if;
  perform from private.conversations as c
  where c.id = p_conversation_id
    and c.last_seq < v_up_to_seq
    and v_up_to_seq < c_everything
  for no key update;
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

grant execute on function
  private.mark_read(uuid, bigint), public.mark_read(uuid, bigint),
  private.mark_delivered(uuid, bigint), public.mark_delivered(uuid, bigint)
to authenticated;

-- source: 30_chat/relationships.sql sha256:4898b8cc451501d7d3e34b986505de570f2f24cfdb5526beeecc7cd863e1a2d7
-- Relationships for embedding, such as `conversations?select=*,messages(*)`, where there is no
-- foreign key. PostgREST calls such a function for each row; policies decide which rows it finds.
--
-- A foreign key would cost every send a check; these functions cost it nothing. They pin no
-- search_path, so that Postgres inlines them: an embedded page reads its rows by the index. Nobody
-- can call them as RPCs, because their argument has no name.

create or replace function public.messages(public.conversations)
returns setof public.messages
language sql
stable
as $$
  select m.* from public.messages as m where m.conversation_id = $1.id;
$$;

create or replace function public.conversation_events(public.conversations)
returns setof public.conversation_events
language sql
stable
as $$
  select e.* from public.conversation_events as e where e.conversation_id = $1.id;
$$;

create or replace function public.conversations(public.conversation_events)
returns setof public.conversations
language sql
stable
rows 1
as $$
  select c.* from public.conversations as c where c.id = $1.conversation_id;
$$;

create or replace function public.brand_owner(public.conversations)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.brand_owner_id;
$$;

create or replace function public.influencer(public.conversations)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.influencer_id;
$$;

create or replace function public.conversations(public.messages)
returns setof public.conversations
language sql
stable
rows 1
as $$
  select c.* from public.conversations as c where c.id = $1.conversation_id;
$$;

create or replace function public.sender(public.messages)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.sender_id;
$$;

create or replace function public.receiver(public.messages)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.receiver_id;
$$;

grant execute on function
  public.messages(public.conversations),
  public.conversation_events(public.conversations),
  public.brand_owner(public.conversations),
  public.influencer(public.conversations),
  public.conversations(public.messages),
  public.conversations(public.conversation_events),
  public.sender(public.messages),
  public.receiver(public.messages)
to authenticated, service_role;

-- source: 30_chat/send_message.sql sha256:cbca738413c1540e25d8b76d53a3ed02e781b0d22d7dea4a1c7fab08b9daab1e
-- Sends one message of the caller: one transaction checks, charges, numbers, stores and broadcasts
-- it.
--
-- A refused send costs nothing and leaves nothing. A repeat with the same client_message_id gets
-- the first answer and changes nothing, so a client may retry until it has an answer.
-- Definer: clients have no write grant on any table. Plans are generic from the first call: each
-- statement finds its rows by their keys. Otherwise Postgres would plan each of them six times in a
-- new connection. One statement reads everything that could refuse an ordinary message; the
-- functions below handle all other messages.
-- Locks: the caller's account, then the conversation. Writes: accounts, points_ledger,
-- conversations, messages, files, notifications, push_outbox, realtime.messages.
-- Events: new_message to the receiver, with the notification inside unless the receiver has muted
-- the conversation; to the sender only where another session of the sender may listen.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), IDEMPOTENCY_MISMATCH (409),
-- CHAT_CLOSED (409), FLOW_STATE_INVALID (409), BLOCKED (403), USER_NOT_FOUND (404) when the other
-- login was deleted, DEAL_IS_OPEN (409) `{conversation_id}`, GUARD_FAILED (409)
-- `{guard: "first_message_unanswered"}`, MESSAGE_EMPTY (422), MESSAGE_TOO_LONG (422)
-- `{length, max}`, INPUT_INVALID (422) `{field, rule}`, MEDIA_INVALID (422) `{rule}`, of a file
-- `{path, rule}`, MESSAGE_NOT_FOUND (404) for a reply to a message the caller cannot see,
-- EXPIRATION_INVALID (422) `{min_hours, max_hours}`, EXPIRATION_NOT_ALLOWED (409), RATE_LIMITED
-- (429) `{retry_after}`, POINTS_LIMIT (402) `{needed, max_points}`, INSUFFICIENT_POINTS (402)
-- `{needed, balance, resets_at}`.
create or replace function private.send_message(
  p_conversation_id uuid,
  p_message text,
  p_media_url text,
  p_expiration_hours numeric,
  p_client_message_id uuid,
  p_reply_to uuid,
  p_max_points integer,
  p_attachments jsonb
)
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_me constant uuid := auth.uid();
  v_id constant uuid := gen_random_uuid();
  v_attachments jsonb;
  v_is_plain boolean;
  -- Found by the first statement: the other member and the rules
  v_other_id uuid;
  v_my_version bigint;
  v_other_version bigint;
  v_expired_at timestamptz;
  v_is_notified boolean;
  v_has_device boolean;
  v_is_echoed boolean;
  v_strangers_may bigint;
  v_timezone text;
  v_today date;
  v_step interval;
  v_ahead interval;
  v_long_step interval;
  v_long_ahead interval;
  -- The account
  v_day date;
  v_used integer;
  v_free_limit integer;
  v_points_each integer;
  v_balance bigint;
  v_price integer;
  v_is_unpaid boolean;
  -- The conversation, and the message as it is stored
  v_kind text;
  v_chat_status text;
  v_flow_state text;
  v_awaiting_role text;
  v_steps bigint;
  v_seq bigint;
  v_at timestamptz;
  v_is_barred boolean;
  v_other_wrote boolean;
  v_expires_at timestamptz;
  v_json jsonb;
  v_payload jsonb;
  v_is_untold boolean;
begin
  -- A line of plain ASCII needs no cleaning; read_message cleans every other text before any lock.
  v_is_plain := coalesce(
    octet_length(p_message) <= 5000 and p_message ~ '^[!-~]([ -~]*[!-~])?$'
      and num_nonnulls(p_media_url, p_reply_to, p_expiration_hours, p_attachments) = 0,
    false
  );
  if not v_is_plain then
    p_media_url := nullif(p_media_url, '');
    p_message := private.read_message(p_message, p_media_url);
    v_attachments := private.read_attachments(p_attachments, p_conversation_id);
  end if;

  select
    other.user_id,
    me.version + other.shared_version,
    other.version + me.shared_version,
    -- As private.conversation_versions: a message that disappears changes the context.
    (
      select m.expires_at
      from public.messages as m
      where m.conversation_id = p_conversation_id and m.expires_at <= now()
      order by m.expires_at desc
      limit 1
    ),
    other.muted_until is null or other.muted_until <= now(),
    exists (select from private.push_tokens as t where t.user_id = other.user_id),
    exists (select from private.other_sessions as s where s.user_id = v_me),
    r.stranger_messages, r.quota_timezone, (now() at time zone r.quota_timezone)::date,
    r.send_step, r.send_ahead, r.long_step, r.long_ahead
  into
    v_other_id, v_my_version, v_other_version, v_expired_at, v_is_notified, v_has_device,
    v_is_echoed, v_strangers_may, v_timezone, v_today, v_step, v_ahead, v_long_step, v_long_ahead
  from private.participants as me
  join private.participants as other
    on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
  cross join private.send_rules as r
  where me.conversation_id = p_conversation_id and me.user_id = v_me;
  if not found then
    perform private.require_user();
    perform private.raise_conversation_not_found();
  end if;

  loop
    begin
      -- Checks, charges and locks: from here on one user's sends wait for each other.
      update private.accounts as a
      set
        quota_date = greatest(a.quota_date, v_today),
        messages_sent_today = case
          when a.quota_date >= v_today then a.messages_sent_today + 1
          else 1
        end,
        send_due_at = greatest(a.send_due_at, now()) + v_step,
        send_long_due_at = greatest(a.send_long_due_at, now()) + v_long_step,
        last_seen_at = now()
      where a.user_id = v_me
        and a.daily_free_limit > case
          when a.quota_date >= v_today then a.messages_sent_today
          else 0
        end
        and a.send_due_at <= now() + v_ahead
        and a.send_long_due_at <= now() + v_long_ahead
      returning
        a.quota_date, a.messages_sent_today, a.daily_free_limit, a.points_per_message,
        a.points_balance
      into v_day, v_used, v_free_limit, v_points_each, v_balance;
      if not found then
        v_is_unpaid := true;
        perform private.lock_account(private.require_user());
      end if;

      -- Checks the membership, numbers and locks; a refusal rolls the number back.
      update private.conversations as c
      set
        last_seq = c.last_seq + 1,
        last_message_at = clock_timestamp(),
        listed_at = date_bin('1 hour', clock_timestamp(), timestamptz '2000-01-01 00:00:00+00'),
        updated_at = clock_timestamp(),
        user_a_wrote = c.user_a_wrote or c.user_a = v_me,
        user_b_wrote = c.user_b_wrote or c.user_b = v_me
      where c.id = p_conversation_id
        and (c.deadline_at is null or c.deadline_at > clock_timestamp())
      returning
        c.kind, c.chat_status, c.flow_state, c.awaiting_role,
        c.version + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint,
        c.last_seq, c.last_message_at, c.is_barred,
        case when c.user_a = v_me then c.user_b_wrote else c.user_a_wrote end
      into
        v_kind, v_chat_status, v_flow_state, v_awaiting_role, v_steps, v_seq, v_at, v_is_barred,
        v_other_wrote;
      if not found then
        -- Due steps come first, because they may write messages; then the send starts again.
        raise sqlstate 'PLDUE';
      end if;

      if v_is_unpaid or not v_is_plain or v_is_barred or v_chat_status <> 'real_time'
        or v_kind = 'direct' and v_strangers_may is not null
        and (v_strangers_may < 0 or not v_other_wrote) then
        -- A repeat gets its answer, whatever has changed since the first try.
        if private.was_sent(v_me, p_client_message_id) then
          raise unique_violation;
        end if;
        perform private.check_send(
          p_conversation_id, v_me, p_message, p_media_url, p_reply_to, p_expiration_hours,
          v_attachments is not null
        );
        if v_attachments is not null then
          perform private.attach_files(v_attachments, v_id);
        end if;
        v_expires_at := v_at + interval '1 hour' * p_expiration_hours;
        if v_is_unpaid then
          select c.day, c.used, c.free_limit, c.points_each, c.balance, c.price
          into v_day, v_used, v_free_limit, v_points_each, v_balance, v_price
          from private.charge_send(v_me, p_max_points, v_id) as c;
        end if;
      end if;

      insert into public.messages (
        conversation_id, seq, id, sender_id, receiver_id, message, media_url, attachments,
        message_type, reply_to, client_message_id, expires_at, created_at, updated_at
      )
      values (
        p_conversation_id, v_seq, v_id, v_me, v_other_id, p_message, p_media_url, v_attachments,
        'user_input', p_reply_to, p_client_message_id, v_expires_at, v_at, v_at
      );

      -- As private.message_json; a test compares them.
      v_json := to_jsonb(
        row(
          v_id, p_conversation_id, v_seq, v_me, v_other_id, p_message, p_media_url, v_attachments,
          'user_input', 'all', false, null, false, false, p_reply_to, p_client_message_id,
          v_expires_at, false, false, null, 'sent', v_at
        )::private.my_messages
      );
      v_payload := jsonb_build_object(
        'conversation_id', p_conversation_id,
        -- Realtime keeps a broadcast for days, also after the message has expired.
        'message', case
          when v_expires_at is null then v_json
          else private.withhold_content(v_json)
        end,
        'conversation_context', jsonb_build_object(
          'flow_state', v_flow_state, 'chat_status', v_chat_status,
          'awaiting_role', v_awaiting_role, 'last_seq', v_seq,
          'version', v_steps + v_seq + v_other_version
            + coalesce(extract(epoch from v_expired_at) * 1000000, 0)::bigint
        ),
        'notification', case
          when v_is_notified then jsonb_build_object(
            'type', 'message', 'data', jsonb_build_object(
              'conversation_id', p_conversation_id, 'message_id', v_id, 'sender_id', v_me
            )
          )
        end
      );
      exit when v_is_untold;
      -- The event takes the message's id: drawing another one costs time.
      insert into realtime.messages (id, topic, extension, event, payload, private)
      values (v_id, 'user:' || v_other_id, 'broadcast', 'new_message', v_payload, true);
      exit;
    exception
      when unique_violation then
        -- A repeat, or two tries at once: the other try has stored the message.
        if v_json is not null or p_client_message_id is null then
          raise;
        end if;
        return private.repeat_send(
          p_conversation_id, p_message, p_media_url, p_expiration_hours, p_client_message_id,
          p_reply_to, v_attachments
        );
      when sqlstate 'PLDUE' then
        -- The rollback released the account, and every call locks it before the conversation.
        perform private.lock_account(v_me);
        perform private.run_deadlines(
          private.lock_conversation(p_conversation_id, v_me), p_is_trial => false
        );
        v_is_unpaid := null;
      when check_violation or not_null_violation or insufficient_privilege
        or undefined_table or undefined_column or invalid_schema_name then
        -- As private.broadcast: a failed broadcast does not fail the send.
        if v_json is null then
          raise;
        end if;
        perform private.count_lost_broadcast(array['new_message'], sqlerrm, sqlstate);
        v_json := null;
        v_is_unpaid := null;
        v_is_untold := true;
    end;
  end loop;

  if v_is_echoed then
    perform private.broadcast(
      array['new_message'], array['user:' || v_me],
      array[
        jsonb_set(
          v_payload || '{"notification": null}', '{conversation_context,version}',
          to_jsonb(
            (v_payload #> '{conversation_context,version}')::bigint - v_other_version
              + v_my_version
          )
        )
      ]
    );
  end if;
  if v_has_device and v_is_notified then
    perform private.queue_push(v_other_id, 'message', v_payload #> '{notification,data}');
  end if;
  if v_price > 0 or v_free_limit - v_used in (0, v_free_limit / 5) then
    perform private.tell_quota(
      v_me, coalesce(v_price, 0), p_is_send => true, p_has_listener => v_is_echoed
    );
  end if;

  return json_build_object(
    'message', v_json,
    'expired', false,
    -- As private.quota_json; a test compares them.
    'quota', json_build_object(
      'daily_free_limit', v_free_limit,
      'used_today', v_used,
      'free_left', greatest(v_free_limit - v_used, 0),
      'points_per_message', v_points_each,
      'cost', case when v_used < v_free_limit then 0 else v_points_each end,
      'points_balance', v_balance,
      'resets_at', (v_day + 1)::timestamp at time zone v_timezone,
      'timezone', v_timezone
    )
  );
end;
$$;

-- Whether this user has sent a message with this client_message_id before.
create or replace function private.was_sent(p_user_id uuid, p_client_message_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.messages as m
    where m.sender_id = p_user_id and m.client_message_id = p_client_message_id
  );
end;
$$;

-- The text of a message as it is stored; checks the address of its media too.
--
-- Errors: MESSAGE_TOO_LONG (422) `{length, max}` in characters, INPUT_INVALID (422) `{field,
-- rule}`, MEDIA_INVALID (422) `{rule}`.
create or replace function private.read_message(p_message text, p_media_url text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_media_url is not null then
    perform private.check_media_url(p_media_url);
  end if;
  return coalesce(private.read_text(p_message, 'message', 5000), '');
end;
$$;

-- The answer of send_message to a repeat. A message that has expired since is not shown: the answer
-- has `{message: null, expired: true}`.
--
-- Locks: the sender's account, so that it waits for a first try that is still running.
-- Errors: IDEMPOTENCY_MISMATCH (409) when the id was used for something else, and before that
-- CONVERSATION_NOT_FOUND (404).
create or replace function private.repeat_send(
  p_conversation_id uuid,
  p_message text,
  p_media_url text,
  p_expiration_hours numeric,
  p_client_message_id uuid,
  p_reply_to uuid,
  p_attachments jsonb
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_me constant uuid := auth.uid();
  -- Cut to the range of an interval.
  v_lifetime constant interval := interval '1 hour' * case
    when p_expiration_hours is not null then least(greatest(p_expiration_hours, 0), 10000)
  end;
  v_stored public.messages;
begin
  perform private.lock_account(private.require_user());
  select m.* into v_stored
  from public.messages as m
  where m.sender_id = v_me and m.client_message_id = p_client_message_id;
  -- An emptied message has nothing to compare; then the id is enough.
  if (v_stored.conversation_id, v_stored.reply_to, v_stored.expires_at) is distinct from
    (p_conversation_id, p_reply_to, v_stored.created_at + v_lifetime)
    or v_stored.scrubbed_at is null
    and (v_stored.message, v_stored.media_url, v_stored.attachments)
      is distinct from (p_message, p_media_url, p_attachments) then
    if not private.is_my_conversation(p_conversation_id) then
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
      'quota', private.quota_json(a)
    )
    from private.accounts as a
    left join private.my_messages as m
      on m.conversation_id = v_stored.conversation_id and m.seq = v_stored.seq
    where a.user_id = v_me
  );
end;
$$;

-- Refuses a message that may not be written here, rule by rule. An ordinary message does not come
-- here: one statement of send_message shows that it breaks no rule.
--
-- Args: the locked conversation, which has counted this message already; the sender; the message;
-- its lifetime in hours, fractions allowed (null: for ever).
-- Errors: those of check_free_text, check_open_deal and check_stranger, MESSAGE_EMPTY (422),
-- MESSAGE_NOT_FOUND (404) when reply_to is none of the conversation's messages that the caller
-- sees, EXPIRATION_INVALID (422) `{min_hours, max_hours}`, EXPIRATION_NOT_ALLOWED (409) under a
-- legal hold.
create or replace function private.check_send(
  p_conversation_id uuid,
  p_sender_id uuid,
  p_message text,
  p_media_url text,
  p_reply_to uuid,
  p_hours numeric,
  p_has_files boolean
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  -- Also a rule of public.messages.
  c_min_hours constant integer := 1;
  c_max_hours constant integer := 2160;
  v_conversation private.conversations;
begin
  select c.* into v_conversation from private.conversations as c where c.id = p_conversation_id;
  perform private.check_free_text(v_conversation, p_sender_id);
  perform private.check_open_deal(v_conversation);
  perform private.check_stranger(v_conversation, p_sender_id);
  if p_media_url is null and not p_has_files and private.is_blank(p_message) then
    perform private.raise_error(
      'MESSAGE_EMPTY', 'Write something, or attach something.', p_status => 422
    );
  end if;
  if p_reply_to is not null and not exists (
    select from private.visible_messages as m
    where m.id = p_reply_to and m.conversation_id = p_conversation_id
  ) then
    perform private.raise_error(
      'MESSAGE_NOT_FOUND', 'The message you answer is not in this conversation.', p_status => 404
    );
  end if;
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

-- Refuses free text where a conversation is not open for it.
--
-- Errors: BLOCKED (403) in both directions, CHAT_CLOSED (409), USER_NOT_FOUND (404) when the other
-- login was deleted, FLOW_STATE_INVALID (409) `{current_state, required_state, awaiting_role,
-- allowed_actions}`.
create or replace function private.check_free_text(
  p_conversation private.conversations,
  p_sender_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if private.is_blocked(p_conversation.user_a, p_conversation.user_b) then
    perform private.raise_error(
      'BLOCKED', 'You cannot write to this user.', p_status => 403
    );
  end if;
  if p_conversation.chat_status = 'closed' then
    perform private.raise_chat_closed();
  end if;
  if not exists (
    select from auth.users as u
    where u.id in (p_conversation.user_a, p_conversation.user_b) and u.id <> p_sender_id
  ) then
    perform private.raise_error(
      'USER_NOT_FOUND', 'This user is no longer here.', p_status => 404
    );
  end if;
  if p_conversation.chat_status <> 'real_time'
    and not private.takes_free_text(p_conversation) then
    perform private.raise_state_invalid(
      p_conversation, p_sender_id, private.role_in(p_conversation, p_sender_id),
      private.free_text_states(p_conversation.flow_id)
    );
  end if;
end;
$$;

-- Refuses a message of a direct chat while its two members have an open deal, where setting
-- direct_blocked_during_deal is on.
--
-- Errors: DEAL_IS_OPEN (409) `{conversation_id}` of the deal.
create or replace function private.check_open_deal(p_conversation private.conversations)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_deal_id constant uuid := private.deal_instead(p_conversation);
begin
  if v_deal_id is not null then
    perform private.raise_error(
      'DEAL_IS_OPEN', 'You have an open deal with this user; write to each other there.',
      jsonb_build_object('conversation_id', v_deal_id), p_status => 409,
      p_hint => 'Direct messages open again when the deal is done or closed.'
    );
  end if;
end;
$$;

-- Refuses more from a stranger than setting stranger_messages until the other side has answered.
--
-- A stranger is a member of a direct chat whom the other member has not answered yet; deals have
-- no such limit. Call it under the conversation's lock. It stores that there is an answer, so that
-- the next send does not search for it.
-- Writes: conversations (user_a_wrote, user_b_wrote).
-- Errors: GUARD_FAILED (409) `{guard: "first_message_unanswered", max_messages}`.
create or replace function private.check_stranger(
  p_conversation private.conversations,
  p_sender_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_allowed constant bigint := private.get_number('stranger_messages')::bigint;
begin
  if v_allowed is null or p_conversation.kind <> 'direct' or (
    p_sender_id = p_conversation.user_a and p_conversation.user_b_wrote
    or p_sender_id = p_conversation.user_b and p_conversation.user_a_wrote
  ) then
    return;
  end if;
  if exists (
    select from public.messages as m
    where m.conversation_id = p_conversation.id
      and m.message_type = 'user_input'
      and m.sender_id <> p_sender_id
  ) then
    update private.conversations as c
    set
      user_a_wrote = c.user_a_wrote or c.user_a <> p_sender_id,
      user_b_wrote = c.user_b_wrote or c.user_b <> p_sender_id
    where c.id = p_conversation.id;
    return;
  end if;
  if v_allowed <= (
    select count(*)
    from (
      select from public.messages as m
      where m.conversation_id = p_conversation.id and m.message_type = 'user_input'
      limit v_allowed
    ) as written
  ) then
    perform private.raise_error(
      'GUARD_FAILED', 'Wait for an answer before you write more.',
      jsonb_build_object('guard', 'first_message_unanswered', 'max_messages', v_allowed),
      p_status => 409
    );
  end if;
end;
$$;

-- Charges a message that the first statement of send_message does not: refuses it when it comes too
-- fast, and takes points when the day's free messages are used up.
--
-- Args: the sender, whose account is locked; the most points that the sender agrees to pay (null:
-- any); the message.
-- Returns the account's numbers afterwards, and the price. Writes: accounts, points_ledger.
-- Errors: RATE_LIMITED (429) `{retry_after}`, and those of check_price.
create or replace function private.charge_send(
  p_user_id uuid,
  p_max_points integer,
  p_message_id uuid,
  out day date,
  out used integer,
  out free_limit integer,
  out points_each integer,
  out balance bigint,
  out price integer
)
returns record
language plpgsql
set search_path = ''
as $$
declare
  v_account private.accounts;
begin
  select a.* into v_account from private.accounts as a where a.user_id = p_user_id;
  day := greatest(
    (select (now() at time zone r.quota_timezone)::date from private.send_rules as r),
    v_account.quota_date
  );
  used := 1 + case when v_account.quota_date = day then v_account.messages_sent_today else 0 end;
  free_limit := v_account.daily_free_limit;
  points_each := v_account.points_per_message;
  price := case when used > free_limit then points_each else 0 end;
  v_account.send_due_at := private.next_due(v_account.send_due_at, 'send');
  v_account.send_long_due_at := private.next_due(v_account.send_long_due_at, 'send_long');
  perform private.check_price(v_account, price, p_max_points);
  update private.accounts as a
  set
    quota_date = day,
    messages_sent_today = used,
    points_balance = a.points_balance - price,
    send_due_at = v_account.send_due_at,
    send_long_due_at = v_account.send_long_due_at,
    last_seen_at = now()
  where a.user_id = p_user_id
  returning a.points_balance into balance;
  if price > 0 then
    insert into private.points_ledger (user_id, delta, reason, balance_after, message_id)
    values (p_user_id, -price, 'message', balance, p_message_id);
  end if;
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
  max_points integer default null,
  attachments jsonb default null
)
returns json
language sql
as $$
  select private.send_message(
    conversation_id, message, media_url, expiration_hours, client_message_id, reply_to, max_points,
    attachments
  );
$$;

grant execute on function
  private.send_message(uuid, text, text, numeric, uuid, uuid, integer, jsonb),
  public.send_message(uuid, text, text, numeric, uuid, uuid, integer, jsonb)
to authenticated;

-- source: 30_chat/set_conversation_preferences.sql sha256:68ec61986233a61d4941a22f8c0c5ab7dae1cfc3a0174cf1b34159f285d0e7cf
-- Archives, pins or mutes a conversation for the caller alone. Null: unchanged.
--
-- Archiving keeps the position of the newest message, so the next message brings the conversation
-- back. A muted_until in the past ends a mute.
-- Definer: clients have no write grant on any table.
-- Locks, writes: the caller's row of participants.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422) for a muted_until
-- that is infinite or more than 10 years ahead.
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
  if p_muted_until > now() + interval '10 years' or p_muted_until = '-infinity' then
    perform private.raise_input_invalid(
      'muted_until', 'range', 'Pass a time within the next 10 years, or one that is over.'
    );
  end if;
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
  from private.conversations as c
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
set search_path = ''
as $$
  select private.set_conversation_preferences(conversation_id, archived, pinned, muted_until);
$$;

grant execute on function private.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
to authenticated;
grant execute on function public.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
to authenticated;

-- source: 30_chat/set_typing.sql sha256:cd1f70decb3b824f210677ed3d41139ffd20320c32d3551cbc4a55effadc323b
-- Stores for six seconds that the caller is typing, for clients that reconnect.
--
-- Listeners hear it from the client directly, on the conversation's topic: typing writes no
-- broadcast row. The text is not stored, and readers show nobody who types across a block.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's rate limit, then the caller's row of the conversation. Writes: rate_limits,
-- participants.
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
begin
  perform private.limit_rate(v_me, 'typing');
  update private.participants as p
  set typing_until = case when p_is_typing then now() + c_kept end
  where p.conversation_id = p_conversation_id and p.user_id = v_me;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
end;
$$;

-- RPC: says that the caller types, or stopped.
create or replace function public.set_typing(conversation_id uuid, is_typing boolean)
returns void
language sql
set search_path = ''
as $$
  select private.set_typing(conversation_id, is_typing);
$$;

grant execute on function
  private.set_typing(uuid, boolean), public.set_typing(uuid, boolean)
to authenticated;

-- source: 30_chat/sync.sql sha256:b4f0a4364c1fc9ab8b6c9fc5f622364d89216d38e74f1c89a2ed87b0aad428d4
-- Everything that the caller has missed, whether or not a broadcast arrived.
--
-- Args: the client's conversations, `{"<conversation id>": <last seq>}` or `{"<conversation id>":
-- {"seq": <last seq>, "version": <version of the context>}}`, at most 2,000 of them; how many
-- messages at most (1..1000). A conversation that is not named comes whole. Changes without a
-- message (a receipt, a preference, a block, an expired deadline) come only where a version is
-- given.
-- Returns `{conversations, messages, has_more, server_now}`: the messages after the known ones,
-- the most recently active conversation first, oldest first within one; the contexts of their
-- conversations and, with the last page, of those that changed without a message for the caller.
-- While has_more is true, add the received messages to `known` and call again. Returned messages
-- count as delivered.
-- Definer: reads the private views, writes the caller's marks.
-- Locks: the caller's account, then the caller's rows of private.participants, in the order of
-- their ids. Writes: accounts, and as advance_receipts.
-- Errors: AUTH_REQUIRED (401), and those of read_known_seqs.
create or replace function private.sync(p_known jsonb, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_me constant uuid := private.require_user();
  v_known constant jsonb := private.read_known_seqs(p_known);
  v_limit constant integer := least(greatest(coalesce(p_page_size, 500), 1), 1000);
  v_messages json;
  v_conversations json;
  v_reached uuid[];
  v_delivered_seqs bigint[];
  v_has_more boolean;
begin
  perform private.note_visit(v_me);

  with changed as materialized (
    select c.id, c.last_seq, c.last_message_at, c.known_seq
    from (
      select
        k.*, coalesce((k.known -> 'seq')::bigint, k.known::bigint, 0) as known_seq,
        (k.known -> 'version')::bigint as known_version
      from (
        select
          a.id, a.last_seq, a.last_message_at, a.deadline_at, a.version, a.timed_at,
          v_known -> a.id::text as known
        from private.conversations as a
        where a.user_a = v_me
        union all
        select
          b.id, b.last_seq, b.last_message_at, b.deadline_at, b.version, b.timed_at,
          v_known -> b.id::text
        from private.conversations as b
        where b.user_b = v_me
        offset 0
      ) as k
      offset 0  -- each part once
    ) as c
    where c.last_seq > c.known_seq
      or case
        when c.known_version is null then false
        when c.deadline_at <= now() then c.known_version <> (
          select v.version
          from private.conversations as due
          cross join lateral private.conversation_versions(private.as_of_now(due)) as v
          where due.id = c.id and v.user_id = v_me
        )
        -- As private.conversation_versions; a test compares them.
        else c.known_version <> c.version + c.last_seq
          + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint
          + (
            select sum(case p.user_id when v_me then p.version else p.shared_version end)
            from private.participants as p
            where p.conversation_id = c.id
          )
          + coalesce(
            (
              select extract(epoch from max(m.expires_at)) * 1000000
              from public.messages as m
              where m.conversation_id = c.id and m.expires_at <= now()
            ),
            0
          )::bigint
      end
  ),
  found_messages as materialized (
    select f.*
    from (
      select
        c.id, m.seq, m.message,
        row_number() over (order by c.last_message_at desc, c.id, m.seq) as place
      from (
        select k.* from changed as k
        where k.last_seq > k.known_seq
        -- So that a page reads no conversation behind its own.
        order by k.last_message_at desc, k.id
      ) as c
      cross join lateral (
        select mark.* from private.my_marks as mark where mark.conversation_id = c.id
        offset 0  -- once a conversation
      ) as mark
      cross join lateral (
        select one.seq, row_to_json(one) as message
        from (
          select
            m.id, m.conversation_id, m.seq, m.sender_id, m.receiver_id, m.message, m.media_url,
            m.attachments, m.message_type, m.visible_to, m.action_required, m.action_data,
            m.action_completed or m.action_required and mark.is_over as action_completed,
            m.is_automated, m.reply_to, m.client_message_id, m.expires_at,
            m.seq <= reader.read_seq as seen, m.seq <= reader.read_seq as is_read,
            case when m.seq <= reader.read_seq then reader.read_at end as read_at,
            case
              when m.seq <= reader.read_seq then 'read'
              when m.seq <= reader.delivered_seq then 'delivered'
              else 'sent'
            end as status,
            m.created_at
          from public.messages as m
          cross join lateral (
            select
              case
                when m.sender_id = v_me then mark.other_read_seq
                else mark.read_seq
              end as read_seq,
              case when m.sender_id = v_me then mark.other_read_at else mark.read_at end as read_at,
              case
                when m.sender_id = v_me then mark.other_delivered_seq
                else mark.delivered_seq
              end as delivered_seq
          ) as reader
          where m.conversation_id = c.id
            and m.seq > c.known_seq
            and (m.visible_to = 'all' or v_me in (m.sender_id, m.receiver_id))
            and (m.expires_at is null or m.expires_at > now())
          order by m.seq
          limit v_limit + 1
        ) as one
      ) as m
    ) as f
    where f.place <= v_limit + 1
  ),
  whole as (
    select count(*) <= v_limit as is_last from found_messages
  ),
  reached as (
    select c.id, c.last_seq as seq from changed as c where (select w.is_last from whole as w)
    union all
    select f.id, max(f.seq)
    from found_messages as f
    where f.place <= v_limit and not (select w.is_last from whole as w)
    group by f.id
  )
  select
    coalesce(json_agg(f.message order by f.place), '[]'),
    array(select r.id from reached as r order by r.id),
    array(select r.seq from reached as r order by r.id),
    (select not w.is_last from whole as w)
  into v_messages, v_reached, v_delivered_seqs, v_has_more
  from found_messages as f
  where f.place <= v_limit;

  perform private.advance_receipts(
    v_me, v_reached, array_fill(0::bigint, array[cardinality(v_reached)]), v_delivered_seqs
  );
  select coalesce(json_agg(row_to_json(c) order by c.updated_at desc, c.conversation_id), '[]')
  into v_conversations
  from unnest(v_reached) as reached (id)
  cross join lateral (
    select c.* from private.my_conversations as c where c.conversation_id = reached.id
    offset 0  -- one at a time: the planner would fetch all of the caller's
  ) as c;
  return json_build_object(
    'conversations', v_conversations,
    'messages', v_messages,
    'has_more', v_has_more,
    'server_now', now()
  );
end;
$$;

-- The argument `known` as text, with ids in small letters; clients may write capitals. Postgres
-- writes every jsonb in one form, so one pattern checks the text.
--
-- Errors: INPUT_INVALID (422) `{field: "known", rule: "object", "size", "depth", "entries" or
-- "ids_and_seqs"}`.
create or replace function private.read_known_seqs(p_known jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  c_id constant text := '"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"';
  c_seq constant text := '[0-9]{1,18}(\.0+)?';
  c_shape constant text := format(
    '^\{(%1$s: (%2$s|\{"seq": %2$s(, "version": %2$s)?\})(, )?)*\}$', c_id, c_seq
  );
  v_text text;
  v_known jsonb;
  v_count bigint;
begin
  -- An entry takes at least 50 bytes, so there are at most 2,000. A number below 1 or above every
  -- seq may have very many digits: check_json checks them before they become text.
  if pg_column_size(p_known) >= 100000
    or p_known @@ '$.** > 999999999999999999 || $.** < 1' then
    perform private.check_json(p_known, 'known', 524288);
  end if;
  v_text := p_known::text;
  if v_text ~ c_shape and (
    pg_column_size(p_known) < 100000
    or 2000 >= (select count(*) from jsonb_object_keys(p_known))
  ) then
    return p_known;
  end if;
  perform private.check_json(p_known, 'known', 524288);
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  v_count := (select count(*) from jsonb_object_keys(p_known));
  if v_count > 2000 then
    perform private.raise_input_invalid('known', 'entries', 'Pass at most 2,000 conversations.');
  end if;
  v_known := lower(v_text)::jsonb;
  -- An id can occur twice only when one of the two has capitals.
  if v_text !~ replace(c_shape, 'a-f', 'a-fA-F')
    or v_count > (select count(*) from jsonb_object_keys(v_known)) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs',
      'Each key is a conversation id, each value its last seq or {seq, version}.'
    );
  end if;
  return v_known;
end;
$$;

-- RPC: everything that the caller has missed since `known`; returns
-- `{conversations, messages, has_more, server_now}`.
create or replace function public.sync(
  known jsonb default '{}',
  page_size integer default 500
)
returns json
language sql
as $$
  select private.sync(known, page_size);
$$;

grant execute on function private.sync(jsonb, integer), public.sync(jsonb, integer)
to authenticated;

-- source: 32_files/attach_files.sql sha256:e3b1a09b10ee2c9fb1e1696b6b2466d59a523cd61048c5de30672bed7098895f
-- Attaches files of the caller to a message, or to submitted work: each must exist, must match the
-- list, and must not be attached yet.
--
-- Args: the list as private.read_attachments returns it; the message (null: work).
-- Locks, writes: files. An upload or a deletion of one of them waits, and then finds it sent.
-- Errors: MEDIA_INVALID (422) `{path, rule}`: not_found (also another user's), already_sent, size,
-- media_type.
create or replace function private.attach_files(p_attachments jsonb, p_message_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_me constant uuid := auth.uid();
  v_paths constant text[] := array(
    select a.value ->> 'path' from jsonb_array_elements(p_attachments) as a
  );
  v_path text;
  v_rule text;
begin
  -- Locks no files that are marked for deletion: Storage may have locked them in another order.
  perform 1
  from private.files as f
  where f.path = any (v_paths) and f.dropped_at is null
  order by f.path
  for update;
  select a.path, fault.rule into v_path, v_rule
  from jsonb_to_recordset(p_attachments) as a (path text, media_type text, size bigint)
  left join private.files as f
    on f.path = a.path and f.owner_id = v_me and f.dropped_at is null
  left join storage.objects as o
    on o.bucket_id = 'attachments' and o.name = f.path and o.owner_id = v_me::text
  left join storage.buckets as b on b.id = o.bucket_id
  cross join lateral (
    select case
      when o.id is null then 'not_found'
      when f.is_work or f.message_id is not null then 'already_sent'
      when o.metadata ->> 'size' is distinct from a.size::text or a.size > b.file_size_limit
        then 'size'
      when o.metadata ->> 'mimetype' is distinct from a.media_type
        or a.media_type <> all (b.allowed_mime_types) then 'media_type'
    end
  ) as fault (rule)
  where fault.rule is not null
  limit 1;
  if found then
    perform private.raise_error(
      'MEDIA_INVALID',
      case v_rule
        when 'not_found' then 'There is no such file of yours: upload it first.'
        when 'already_sent' then 'This file was sent before: upload it again to send it twice.'
        when 'size' then 'The file is not as long as you say, or too long.'
        else 'The file is not of this type, or the type is not allowed.'
      end,
      jsonb_build_object('path', v_path, 'rule', v_rule), p_status => 422
    );
  end if;
  update private.files as f
  set message_id = p_message_id, is_work = p_message_id is null
  where f.path = any (v_paths);
end;
$$;

-- A list of files as it is stored, `[{path, name, media_type, size, width, height}]`; null for
-- none. Checks the list; private.attach_files checks the files.
--
-- A name is a message's text in one line and without a path. Call it before any lock is taken.
-- Args: the list; the conversation; the field that errors name.
-- Errors: INPUT_INVALID (422) `{field, rule}`: those of check_json and read_text, list, max_items
-- (10), item (an object with these keys and nothing else), path (not the caller's here), twice,
-- name, media_type, size, dimensions.
create or replace function private.read_attachments(
  p_attachments jsonb,
  p_conversation_id uuid,
  p_field text default 'attachments'
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  c_max_items constant integer := 10;
  v_item jsonb;
  v_rule text;
  v_clean jsonb := jsonb '[]';
begin
  perform private.check_json(p_attachments, p_field, 32768);
  if nullif(p_attachments, 'null') is null then
    return null;
  end if;
  if jsonb_typeof(p_attachments) <> 'array' then
    perform private.raise_input_invalid(p_field, 'list', 'Pass a list of files.');
  end if;
  if jsonb_array_length(p_attachments) > c_max_items then
    perform private.raise_input_invalid(
      p_field, 'max_items', format('At most %s files.', c_max_items)
    );
  end if;
  for v_item in select a.value from jsonb_array_elements(p_attachments) as a loop
    v_rule := private.find_attachment_fault(v_item, p_conversation_id);
    if v_rule is null then
      v_item := v_item || jsonb_build_object(
        'name', private.read_text(v_item ->> 'name', p_field, 200),
        -- A number may be written as 5.0.
        'size', (v_item ->> 'size')::numeric::bigint,
        'width', (v_item ->> 'width')::numeric::integer,
        'height', (v_item ->> 'height')::numeric::integer
      );
      v_rule := case
        when private.is_blank(v_item ->> 'name') or v_item ->> 'name' ~ '[/\\\n\t\u2028\u2029]'
          or v_item ->> 'name' in ('.', '..') then 'name'
        when v_clean @> jsonb_build_array(jsonb_build_object('path', v_item -> 'path'))
          then 'twice'
      end;
    end if;
    if v_rule is not null then
      perform private.raise_input_invalid(
        p_field, v_rule,
        'Each file is {path, name, media_type, size, width, height}, as you uploaded it.'
      );
    end if;
    v_clean := v_clean || v_item;
  end loop;
  return nullif(v_clean, '[]');
end;
$$;

-- The rule that an item of the list breaks, apart from its name's text; null when it breaks none.
create or replace function private.find_attachment_fault(p_item jsonb, p_conversation_id uuid)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when jsonb_typeof(p_item) <> 'object' then 'item'
    when p_item - array['path', 'name', 'media_type', 'size', 'width', 'height'] <> '{}'
      or jsonb_typeof(p_item -> 'name') is distinct from 'string' then 'item'
    when jsonb_typeof(p_item -> 'path') is distinct from 'string'
      or not private.is_file_path(p_item ->> 'path')
      or not starts_with(p_item ->> 'path', p_conversation_id || '/' || auth.uid() || '/')
      then 'path'
    when jsonb_typeof(p_item -> 'media_type') is distinct from 'string'
      or p_item ->> 'media_type' !~ '^[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,99}$' then 'media_type'
    when jsonb_typeof(p_item -> 'size') is distinct from 'number'
      or not p_item @? '$.size ? (@ >= 0 && @ <= 1e9 && @.floor() == @)' then 'size'
    when (coalesce(p_item -> 'width', 'null') = 'null')
      <> (coalesce(p_item -> 'height', 'null') = 'null')
      or p_item @? '
        strict $.keyvalue() ? (@.key == "width" || @.key == "height").value ? (
          @ != null && !(@.type() == "number" && @ >= 1 && @ <= 100000 && @.floor() == @)
        )
      ' then 'dimensions'
  end;
end;
$$;

-- source: 32_files/may_handle_file.sql sha256:62e008892592eccbd6b645e6a9064dd42fbe1ad405e84f793bd9e3e6f4b49223
-- Whether the caller may upload, read or delete a file of the bucket attachments now: the one rule
-- of the policies on storage.objects.
--
-- upload: under `<conversation>/<caller>/<uuid>.<ext>`, while the caller may write there or has a
-- form with a field for files, not across a block, and while few of the caller's files wait to be
-- sent. The request must have a Content-Length: Storage does not limit the size of others. A signed
-- upload is refused, because its URL could replace a file after it was sent. read: files of
-- messages that the caller may read now, of work in the caller's deals, and the caller's unsent
-- files. delete: the caller's unsent files.
-- Never raises: Storage would show the error, and so tell that the name exists.
-- Definer: policies run as the caller, who may not read private tables.
-- Args: the command; the object's name; for an upload its metadata as Storage gives it.
create or replace function private.may_handle_file(
  p_command text,
  p_name text,
  p_metadata jsonb default null
)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  c_max_unsent constant integer := 30;
  v_me constant uuid := private.my_id();
  v_file private.files;
  v_is_mine boolean;
  v_conversation private.conversations;
begin
  if v_me is null or not coalesce(private.is_file_path(p_name), false) then
    return false;
  end if;
  select f.* into v_file from private.files as f where f.path = p_name;
  v_is_mine := split_part(p_name, '/', 2) = v_me::text;

  if p_command = 'upload' then
    -- A repeat of a finished upload passes here, and Storage answers that the file exists.
    if v_file.dropped_at is not null or not v_is_mine
      or coalesce(p_metadata ->> 'contentLength', '') !~ '^[0-9]{1,8}$'
      or storage.operation() = 'storage.object.sign_upload_url'
      or c_max_unsent <= (
        select count(*)
        from private.files as f
        where f.owner_id = v_me and f.path <> p_name
          and f.message_id is null and not f.is_work and f.dropped_at is null
      ) then
      return false;
    end if;
    select c.* into v_conversation
    from private.conversations as c
    where c.id = left(p_name, 36)::uuid and v_me in (c.user_a, c.user_b);
    if not found or not private.may_reach(v_conversation.user_a, v_conversation.user_b) then
      return false;
    end if;
    v_conversation := private.as_of_now(v_conversation);
    return private.takes_free_text(v_conversation) or to_jsonb(private.open_actions(
      v_conversation, v_me, private.role_in(v_conversation, v_me)
    )) @? '$[*].fields[*] ? (@.type == "file")';
  end if;

  if v_file.path is null or v_file.dropped_at is not null then
    return false;
  end if;
  if v_file.message_id is null and not v_file.is_work then
    return v_is_mine;
  end if;
  return p_command = 'read' and private.is_my_conversation(v_file.conversation_id) and (
    v_file.is_work
    or exists (select from private.visible_messages as m where m.id = v_file.message_id)
  );
end;
$$;

-- Whether a text has the form of a file's path, so that its parts are safe to cast.
create or replace function private.is_file_path(p_path text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_id constant text := '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
begin
  return octet_length(p_path) <= 128
    and p_path ~ ('^' || c_id || '/' || c_id || '/' || c_id || '\.[a-z0-9]{1,10}$');
end;
$$;

grant execute on function private.may_handle_file(text, text, jsonb) to authenticated;

-- source: 32_files/take_file_deletions.sql sha256:5bded8a22a62913df4418879604ee1248d090c1a320704ac7ca1aea7f55844fd
-- RPC: service only; files to delete in Storage now, as a list of paths.
create or replace function public.take_file_deletions(max_rows integer default 100)
returns json
language sql
set search_path = ''
as $$
  select private.take_file_deletions(max_rows);
$$;

-- A batch of files for the app to delete through the Storage API: files of emptied messages and of
-- deleted logins, and files that were not sent within a day.
--
-- A file leaves the list when Storage deletes its object (trigger forget_file). Until then it is
-- returned again, first after a minute, later after a day at most. Files of a conversation under a
-- legal hold stay.
-- Definer: the table is private.
-- Locks, writes: the rows of files that it returns; it skips rows that another session has locked.
create or replace function private.take_file_deletions(p_max_rows integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_unsent_for constant interval := interval '1 day';
  v_limit constant integer := private.clamp_page_size(p_max_rows, 100, 1000);
  v_paths json;
begin
  update private.files as f
  set dropped_at = now()
  where f.path in (
    select late.path
    from private.files as late
    where late.message_id is null and not late.is_work and late.dropped_at is null
      and late.created_at < now() - c_unsent_for
    order by late.created_at
    limit v_limit
    for update skip locked
  );
  with due as (
    select f.path, o.id is null as is_gone
    from private.files as f
    left join storage.objects as o on o.bucket_id = 'attachments' and o.name = f.path
    where f.dropped_at is not null and f.due_at <= now()
      and not exists (
        select from private.legal_holds as h where h.conversation_id = f.conversation_id
      )
    order by f.due_at
    limit v_limit
    for update of f skip locked
  ),
  gone as (
    delete from private.files as f using due where f.path = due.path and due.is_gone
  ),
  taken as (
    update private.files as f
    set
      tries = f.tries + 1,
      due_at = now() + least(interval '1 minute' * 2 ^ least(f.tries, 11), interval '1 day')
    from due
    where f.path = due.path and not due.is_gone
    returning f.path
  )
  select coalesce(json_agg(t.path order by t.path), '[]') into v_paths from taken as t;
  return v_paths;
end;
$$;

grant execute on function
  public.take_file_deletions(integer), private.take_file_deletions(integer)
to service_role;

-- source: 33_search/search_messages.sql sha256:33c361b961a8d3646b56078c1d7a5a37bd6a4cc49eac67fd7228f38fa7ed7a6d
-- RPC: messages that hold every word of the query, newest first; returns `[message +
-- {highlight: {text, ranges: [[start, length]]}}]`: the part around the first hit, and the places
-- of the words in it, counted in UTF-16 units from 0 (as JavaScript slices).
create or replace function public.search_messages(
  query text,
  conversation_id uuid default null,
  page_size integer default 20,
  before uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.search_messages(query, conversation_id, page_size, before);
$$;

-- Searches the messages that the caller may read now, newest first: each word of the query must be
-- in the text or, unless the message disappears, in the names of its files, in any script; case,
-- width, ligatures, quotes, hyphens and invisible characters do not matter.
--
-- There is no index over the words of all users: its reading time would tell how often a word
-- occurs in messages that the caller may not see, and it would keep words of messages that have
-- disappeared. So a search is the costliest call of a user, and is charged before it reads. A user
-- has one search at a time: searches that a time limit stops, whose charge is rolled back, then
-- keep at most one connection busy.
-- Args: the query (1 to 200 characters); one conversation or all; how many; a message id of the
-- page before.
-- Definer: reads the private views.
-- Locks, writes: the caller's limit on searches (rate_limits).
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`, CONVERSATION_NOT_FOUND (404),
-- MESSAGE_NOT_FOUND (404), RATE_LIMITED (429) `{retry_after}`.
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
  v_query constant text := private.read_text(p_query, 'query', 200);
  v_words constant text[] := array(
    select distinct w.word
    from regexp_split_to_table(
      private.fold_text(v_query), '[\s\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+'
    ) as w (word)
    where w.word <> ''
  );
  v_patterns text[];
  v_before record;
begin
  if p_conversation_id is not null and not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  if v_words = '{}' then
    perform private.raise_input_invalid('query', 'length', 'Search for 1 to 200 characters.');
  end if;
  perform private.limit_search(v_me);
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

-- Charges a search; refuses it while another one of the same user is under way.
--
-- Locks, writes: rate_limits. Errors: RATE_LIMITED (429) `{retry_after}`.
create or replace function private.limit_search(p_user_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform 1 from private.rate_limits as r
  where r.user_id = p_user_id and r.action = 'search'
  for no key update skip locked;
  if not found and exists (
    select from private.rate_limits as r where r.user_id = p_user_id and r.action = 'search'
  ) then
    perform private.raise_error(
      'RATE_LIMITED', 'Another search of yours is under way.',
      '{"retry_after": 1}', p_status => 429, p_hint => 'Try again when it has ended.',
      p_headers => '{"Retry-After": "1"}'
    );
  end if;
  perform private.limit_rate(p_user_id, 'search');
end;
$$;

-- The caller's visible messages of type user_input that match all patterns, newest first.
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
    and private.fold_text(
      case
        when m.attachments is null or m.expires_at is not null then m.message
        else concat_ws(
          e'\n', m.message, jsonb_path_query_array(m.attachments, '$[*].name') #>> '{}'
        )
      end
    ) like all (p_patterns)
  order by m.created_at desc, m.id desc
  limit p_limit;
$$;

-- A text in the form that search compares: words that people call the same fold to the same text.
--
-- Without case (also final sigma, sharp s, dotless i), in compatibility form (full width,
-- ligatures, circled and mathematical letters), with plain quotes and hyphens, and without
-- invisible characters: soft hyphens, joiners, marks of direction, variation selectors.
create or replace function private.fold_text(p_text text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_from constant text := e'\u03c2\u0131\u0130\u2018\u2019\u201b\u2032\u02bc\u201c\u201d\u201e'
    '\u201f\u2033\u00ab\u00bb\u2010\u2011\u2012\u2013\u2014\u2212';
  c_to constant text := e'\u03c3ii\'\'\'\'\'"""""""------';
  c_unseen constant text := e'\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e'
    '\ufe0f\ufeff';
begin
  if octet_length(p_text) = char_length(p_text) then
    return lower(p_text);
  end if;
  return replace(
    translate(
      lower(translate(normalize(p_text, nfkc), e'\u0130', 'i')), c_from || c_unseen, c_to
    ),
    'ß', 'ss'
  );
end;
$$;

-- Where words stand in a text: `{text, ranges: [[start, length]]}`.
--
-- text is the part around the first hit, at most 200 characters. Every hit in it has a range; hits
-- that touch or overlap share one. Ranges instead of markup leave the escaping to the client.
-- Args: the text as it is stored; the words, folded.
create or replace function private.highlight_words(p_text text, p_words text[])
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_lead constant integer := 40;
  c_length constant integer := 200;
  c_step constant integer := 200;
  -- A letter and the marks that fold with it.
  c_piece constant text := '.[\u0300-\u036f\u3099\u309a\uff9e\uff9f]*';
  v_text text := p_text;
  v_pieces text[];
  v_folds text[];
  v_first integer;
  v_last integer;
  -- The piece behind each character of the folded text.
  v_sources integer[];
  v_folded text;
  v_is_hit boolean[];
  v_word text;
  v_from integer;
  v_at integer;
begin
  if p_text = '' then  -- the words stand in the names of files
    return jsonb '{"text": "", "ranges": []}';
  end if;
  -- A long text is searched in parts, and only the part with the first hit is split into pieces.
  if char_length(p_text) > 2 * c_step then
    select min(part) into v_at
    from generate_series(1, char_length(p_text), c_step) as part
    where private.fold_text(substr(p_text, part, 2 * c_step)) like any (
      array(
        select '%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%'
        from unnest(p_words) as w (word)
      )
    );
    v_text := substr(p_text, greatest(1, v_at - c_lead), 3 * c_step + c_lead);
  end if;
  v_pieces := array(select p.piece[1] from regexp_matches(v_text, c_piece, 'g') as p (piece));
  v_folds := array(
    select private.fold_text(p.piece) from unnest(v_pieces) with ordinality as p (piece, n)
    order by p.n
  );
  select min(nullif(position(w.word in array_to_string(v_folds, '')), 0)) into v_at
  from unnest(p_words) as w (word);
  select min(f.n) into v_first
  from (
    select f.n, sum(char_length(f.fold)) over (order by f.n) as reached
    from unnest(v_folds) with ordinality as f (fold, n)
  ) as f
  where f.reached >= v_at;
  v_first := greatest(1, coalesce(v_first, 1) - c_lead);
  select max(p.n) into v_last
  from (
    select p.n, sum(char_length(p.piece)) over (order by p.n) as reached
    from unnest(v_pieces[v_first:]) with ordinality as p (piece, n)
  ) as p
  where p.reached <= c_length;
  v_pieces := v_pieces[v_first:v_first + v_last - 1];
  v_folds := v_folds[v_first:v_first + v_last - 1];

  v_folded := array_to_string(v_folds, '');
  v_sources := array(
    select f.n
    from unnest(v_folds) with ordinality as f (fold, n)
    cross join lateral generate_series(1, char_length(f.fold)) as c
    order by f.n
  );
  v_is_hit := array_fill(false, array[cardinality(v_pieces)]);
  foreach v_word in array p_words loop
    v_from := 1;
    loop
      v_at := position(v_word in substr(v_folded, v_from));
      exit when v_at = 0;
      v_at := v_from + v_at - 1;
      for n in v_sources[v_at]..v_sources[v_at + char_length(v_word) - 1] loop
        v_is_hit[n] := true;
      end loop;
      v_from := v_at + 1;
    end loop;
  end loop;

  return jsonb_build_object(
    'text', array_to_string(v_pieces, ''),
    'ranges', (
      select coalesce(jsonb_agg(jsonb_build_array(r.start, r.length) order by r.start), '[]')
      from (
        select min(p.start) as start, sum(p.units) as length
        from (
          select
            p.n, p.is_hit, p.units,
            sum(p.units) over (order by p.n) - p.units as start,
            p.n - row_number() over (partition by p.is_hit order by p.n) as run
          from (
            select
              p.n, v_is_hit[p.n] as is_hit,
              char_length(p.piece) + regexp_count(p.piece, '[\U00010000-\U0010ffff]') as units
            from unnest(v_pieces) with ordinality as p (piece, n)
          ) as p
        ) as p
        where p.is_hit
        group by p.run
      ) as r
    )
  );
end;
$$;

grant execute on function private.search_messages(text, uuid, integer, uuid) to authenticated;
grant execute on function public.search_messages(text, uuid, integer, uuid) to authenticated;

-- source: 35_notifications/get_notifications.sql sha256:b1ed9572505c7f61c44fd30d881ede2e024495edaac0736b5097c8fa405ad177
-- A page of the caller's notifications, newest first, for devices that were offline.
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

-- RPC: the caller's notifications, newest first; returns `[{id, type, conversation_id, message_id,
-- data, created_at}]`; `before` is an id of that list.
create or replace function public.get_notifications(
  page_size integer default 50,
  before bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_notifications(page_size, before);
$$;

grant execute on function private.get_notifications(integer, bigint) to authenticated;
grant execute on function public.get_notifications(integer, bigint) to authenticated;

-- source: 35_notifications/notify.sql sha256:f9e20763c67c6a386fd8838c1791068deb6941348e816a59b34ad80ad54e32a1
-- Stores a notification for a user, tells the user's devices, and queues a push.
--
-- Args: the user; one of the types of private.notifications; the conversation; the message; more
-- data for the client, ids and numbers only.
-- Writes: notifications, push_outbox, realtime.messages. Events: notification `{type, data}`.
create or replace function private.notify(
  p_user_id uuid,
  p_type text,
  p_conversation_id uuid,
  p_data jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_data constant jsonb := p_data || jsonb_build_object(
    'conversation_id', p_conversation_id, 'message_id', null
  );
begin
  insert into private.notifications (user_id, type, conversation_id, data)
  values (p_user_id, p_type, p_conversation_id, p_data);
  perform private.broadcast(
    array['notification'], array['user:' || p_user_id],
    array[jsonb_build_object('type', p_type, 'data', v_data)]
  );
  perform private.queue_push(p_user_id, p_type, v_data);
end;
$$;

-- source: 35_notifications/queue_push.sql sha256:5d0a9a0cc46ce44e1fdf91f67d6a66bf7b37b6168e3dfb398689822b257f4ba6
-- Puts a push for each of a user's registered devices into the outbox. Ids only: a push service may
-- keep a payload longer than the message lives.
--
-- Writes: push_outbox.
create or replace function private.queue_push(p_user_id uuid, p_type text, p_data jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.push_outbox (push_token_id, payload)
  select t.id, jsonb_build_object('type', p_type, 'data', p_data)
  from private.push_tokens as t
  where t.user_id = p_user_id
  -- A device that is just being unregistered must not make the send fail.
  for key share skip locked;
end;
$$;

-- source: 35_notifications/record_push_result.sql sha256:0d4591174d961c381f55a232467a3da0c3b33e012e5c903082046f66ef486918
-- RPC: service only; records the result of a push (sent, gone, failed, unreachable); returns
-- `{push_id, result}`.
create or replace function public.record_push_result(push_id bigint, result text)
returns json
language sql
set search_path = ''
as $$
  select private.record_push_result(push_id, result);
$$;

-- Records the result of a push: sent, gone (the device takes no more pushes), failed, or
-- unreachable (its host did not answer in time).
--
-- A failed push stays in the outbox until its next try; a device that fails ten times in a row is
-- deleted. An unreachable host rests for a minute, then two, four and so on up to an hour.
-- Definer: the outbox is private.
-- Locks: the device, then its waiting pushes, in the order of the deletion of a device.
-- Writes: push_outbox, push_tokens, push_hosts.
-- Errors: INPUT_INVALID (422) for another result.
create or replace function private.record_push_result(p_push_id bigint, p_result text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_most constant integer := 10;
  c_rest constant interval := interval '1 minute';
  v_token private.push_tokens;
begin
  if p_result is null or p_result not in ('sent', 'gone', 'failed', 'unreachable') then
    perform private.raise_input_invalid(
      'result', 'one_of', 'sent, gone, failed or unreachable.'
    );
  end if;
  select t.* into v_token
  from private.push_tokens as t
  where t.id = (select o.push_token_id from private.push_outbox as o where o.id = p_push_id)
  for no key update;
  if p_result = 'sent' then
    delete from private.push_outbox as o where o.id = p_push_id;
    update private.push_tokens as t set failures = 0 where t.id = v_token.id and t.failures > 0;
    delete from private.push_hosts as h where h.host = v_token.host;
  elsif p_result = 'gone' or v_token.failures + 1 >= c_most then
    delete from private.push_tokens as t where t.id = v_token.id;
  else
    update private.push_tokens as t set failures = t.failures + 1 where t.id = v_token.id;
  end if;
  if p_result = 'unreachable' and v_token.host is not null then
    insert into private.push_hosts as h (host, cools_until)
    values (v_token.host, now() + c_rest)
    on conflict (host) do update
    set
      failures = h.failures + 1,
      cools_until = now() + least(c_rest * 2 ^ least(h.failures, 10), interval '1 hour');
  end if;
  return json_build_object('push_id', p_push_id, 'result', p_result);
end;
$$;

grant execute on function
  public.record_push_result(bigint, text), private.record_push_result(bigint, text)
to service_role;

-- source: 35_notifications/register_push_token.sql sha256:18ed08d06595f771edbce579def36b35dc87ece9334cd986881c0bedd475b336
-- Registers one of the caller's devices for pushes; the ten newest stay registered. A device
-- belongs to the user who registered it last.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: push_tokens, push_outbox (pushes of a device that is
-- deregistered).
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
  -- The app calls this address.
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
  loop
    -- Pushes of the device's former owner are deleted with that owner's row.
    delete from private.push_tokens as t where t.token = p_token and t.user_id <> v_me;
    insert into private.push_tokens as t (user_id, kind, token, keys)
    values (
      v_me, p_kind, p_token,
      jsonb_build_object('p256dh', p_keys ->> 'p256dh', 'auth', p_keys ->> 'auth')
    )
    on conflict (token) do update set keys = excluded.keys, created_at = now()
    where t.user_id = v_me;
    -- Another user may register it at the same moment.
    exit when found;
  end loop;
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
set search_path = ''
as $$
  select private.register_push_token(kind, token, keys);
$$;

grant execute on function private.register_push_token(text, text, jsonb) to authenticated;
grant execute on function public.register_push_token(text, text, jsonb) to authenticated;

-- source: 35_notifications/take_pushes.sql sha256:0d1cbbcee74035cd09765e55b6f9188f3fdad8a7cb306ce62a80f68557183084
-- RPC: service only; due pushes as `[{push_id, kind, token, keys, payload}]`.
create or replace function public.take_pushes(max_rows integer default 20)
returns json
language sql
set search_path = ''
as $$
  select private.take_pushes(max_rows);
$$;

-- A batch of due pushes for a sender. Each is returned again a minute later, then two, four and so
-- on, until record_push_result has its result; after eight tries or a day it is dropped.
--
-- The order is fair: the first of each user and host before the second of any, so that one user's
-- dead devices do not delay other users. A host that does not answer rests.
-- Definer: the outbox is private.
-- Locks, writes: the rows of push_outbox that it takes; it skips rows that another sender has
-- locked.
create or replace function private.take_pushes(p_max_rows integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_max_attempts constant integer := 8;
  c_max_age constant interval := interval '1 day';
  -- The fair order is made of this many of the oldest pushes.
  c_window constant integer := 1000;
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
  with due as (
    select o.id, o.due_at, t.user_id, t.host
    from private.push_outbox as o
    join private.push_tokens as t on t.id = o.push_token_id
    where o.due_at <= now()
      and not exists (
        select from private.push_hosts as h where h.host = t.host and h.cools_until > now()
      )
    order by o.due_at, o.id
    limit c_window
  ),
  fair as (
    select
      due.id,
      row_number() over (
        order by
          greatest(due.nth_of_user, due.nth_of_host), due.nth_of_user, due.due_at, due.id
      ) as place
    from (
      select
        due.id, due.due_at,
        row_number() over (partition by due.user_id order by due.due_at, due.id) as nth_of_user,
        row_number() over (partition by due.host order by due.due_at, due.id) as nth_of_host
      from due
    ) as due
  ),
  taken as (
    update private.push_outbox as o
    set attempts = o.attempts + 1, due_at = now() + interval '1 minute' * 2 ^ o.attempts
    from (
      select free.id, fair.place
      from fair
      join private.push_outbox as free on free.id = fair.id
      -- Checked again under the lock: another sender may have taken it meanwhile.
      where free.due_at <= now()
      order by fair.place
      limit private.clamp_page_size(p_max_rows, 20, 100)
      for update of free skip locked
    ) as chosen
    where o.id = chosen.id
    returning o.id, o.payload, o.push_token_id, chosen.place
  )
  select coalesce(
    json_agg(
      json_build_object(
        'push_id', taken.id, 'kind', t.kind, 'token', t.token, 'keys', t.keys,
        'payload', taken.payload
      )
      order by taken.place
    ),
    '[]'
  )
  into v_pushes
  from taken
  join private.push_tokens as t on t.id = taken.push_token_id;
  return v_pushes;
end;
$$;

grant execute on function public.take_pushes(integer), private.take_pushes(integer)
to service_role;

-- source: 35_notifications/unregister_push_token.sql sha256:04cee9e895147eac7f71d8bee9c470d43c579bbf11d8c5ac97d5f137c43e06fe
-- Stops pushes to one of the caller's devices, and deletes its waiting pushes.
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
  perform private.check_size(p_token, 'token', 2048);
  delete from private.push_tokens as t where t.user_id = v_me and t.token = p_token;
  return json_build_object('unregistered', found);
end;
$$;

-- RPC: stops pushes to a device; returns `{unregistered}`.
create or replace function public.unregister_push_token(token text)
returns json
language sql
set search_path = ''
as $$
  select private.unregister_push_token(token);
$$;

grant execute on function private.unregister_push_token(text) to authenticated;
grant execute on function public.unregister_push_token(text) to authenticated;

-- source: 38_market/bids.sql sha256:333d5dbed49e1e076c3b9c3d9d9cb93fdbe8fdad790e245e43178e47a77af635
-- RPC: an influencer offers work, for an optional amount in rupees, as a number or as people write
-- it ("5,000", "1.5 lakh"); returns the bid.
create or replace function public.create_bid(
  title text,
  description text,
  amount jsonb default null
)
returns json
language sql
set search_path = ''
as $$
  select private.create_bid(title, description, amount);
$$;

-- Puts an offer of the caller, an influencer, on the market; brand owners connect to it.
--
-- The amount is a hint and binds nobody.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: bids, rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403) for a brand owner,
-- INPUT_INVALID (422), PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.create_bid(
  p_title text,
  p_description text,
  p_amount jsonb
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_role('influencer');
  v_title constant text := private.require_text(p_title, 'title', 200);
  v_description constant text := private.require_text(p_description, 'description', 5000);
  v_amount_minor constant bigint := private.read_amount(p_amount, 'amount');
  v_bid public.bids;
begin
  perform private.lock_account(v_me);
  perform private.limit_rate(v_me, 'deal');
  insert into public.bids (influencer_id, title, description, amount_minor)
  values (v_me, v_title, v_description, v_amount_minor)
  returning * into v_bid;
  return to_json(v_bid);
end;
$$;

-- RPC: takes an own bid off the market; its conversations go on; returns the bid.
create or replace function public.close_bid(bid_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.close_bid(bid_id);
$$;

-- Takes the caller's bid off the market: nobody can connect to it anymore.
--
-- Conversations that it led to go on. A second call answers the same.
-- Definer: clients have no write grant on any table.
-- Locks: the bid, so that a connection either came before or sees it closed.
-- Writes: bids, and as announce_bid.
-- Errors: AUTH_REQUIRED (401), BID_NOT_FOUND (404) also for another user's.
create or replace function private.close_bid(p_bid_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_bid public.bids;
begin
  select b.* into v_bid
  from public.bids as b
  where b.id = p_bid_id and b.influencer_id = v_me
  for no key update;
  if not found then
    perform private.raise_error('BID_NOT_FOUND', 'There is no such bid.', p_status => 404);
  end if;
  if v_bid.status = 'open' then
    update public.bids as b
    set status = 'closed', updated_at = now()
    where b.id = p_bid_id
    returning b.* into v_bid;
    perform private.announce_bid(p_bid_id);
  end if;
  return to_json(v_bid);
end;
$$;

-- Tells the listeners of `bid:<id>` that the bid was closed or has one more conversation.
--
-- Args: a bid whose row this transaction has locked, so that counts arrive in order.
-- Writes: as broadcast. Events: bid_changed `{bid_id, status, conversations}`.
create or replace function private.announce_bid(p_bid_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_payload constant jsonb := (
    select jsonb_build_object(
      'bid_id', b.id,
      'status', b.status,
      'conversations',
      (select count(*) from private.conversations as c where c.bid_id = b.id)
    )
    from public.bids as b
    where b.id = p_bid_id
  );
begin
  perform private.broadcast(array['bid_changed'], array['bid:' || p_bid_id], array[v_payload]);
end;
$$;

grant execute on function private.create_bid(text, text, jsonb) to authenticated;
grant execute on function public.create_bid(text, text, jsonb) to authenticated;
grant execute on function private.close_bid(uuid) to authenticated;
grant execute on function public.close_bid(uuid) to authenticated;

-- source: 38_market/campaigns.sql sha256:24e69754b367c00b96736dea71a8b1bef086e8ccdf0a01ca135d839afd2aec94
-- RPC: a brand owner opens a campaign, with an optional budget in rupees, as a number or as people
-- write it ("5,000", "1.5 lakh"); returns the campaign.
create or replace function public.create_campaign(
  title text,
  brief text,
  budget jsonb default null
)
returns json
language sql
set search_path = ''
as $$
  select private.create_campaign(title, brief, budget);
$$;

-- Puts a campaign of the caller, a brand owner, on the market; influencers apply, or are invited.
--
-- The budget binds nobody.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: campaigns, rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403) for an influencer,
-- INPUT_INVALID (422), PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.create_campaign(
  p_title text,
  p_brief text,
  p_budget jsonb
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_role('brand_owner');
  v_title constant text := private.require_text(p_title, 'title', 200);
  v_brief constant text := private.require_text(p_brief, 'brief', 5000);
  v_budget_minor constant bigint := private.read_amount(p_budget, 'budget');
  v_campaign public.campaigns;
begin
  perform private.lock_account(v_me);
  perform private.limit_rate(v_me, 'deal');
  insert into public.campaigns (brand_owner_id, title, brief, budget_minor)
  values (v_me, v_title, v_brief, v_budget_minor)
  returning * into v_campaign;
  return to_json(v_campaign);
end;
$$;

-- RPC: takes an own campaign off the market; its conversations go on; returns the campaign.
create or replace function public.close_campaign(campaign_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.close_campaign(campaign_id);
$$;

-- Takes the caller's campaign off the market: nobody can apply or be invited anymore.
--
-- Conversations that it led to go on. A second call answers the same.
-- Definer: clients have no write grant on any table.
-- Locks: the campaign, so that an application either came before or sees it closed.
-- Writes: campaigns, and as announce_campaign.
-- Errors: AUTH_REQUIRED (401), CAMPAIGN_NOT_FOUND (404) also for another user's.
create or replace function private.close_campaign(p_campaign_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_campaign public.campaigns;
begin
  select g.* into v_campaign
  from public.campaigns as g
  where g.id = p_campaign_id and g.brand_owner_id = v_me
  for no key update;
  if not found then
    perform private.raise_error(
      'CAMPAIGN_NOT_FOUND', 'There is no such campaign.', p_status => 404
    );
  end if;
  if v_campaign.status = 'open' then
    update public.campaigns as g
    set status = 'closed', updated_at = now()
    where g.id = p_campaign_id
    returning g.* into v_campaign;
    perform private.announce_campaign(p_campaign_id);
  end if;
  return to_json(v_campaign);
end;
$$;

-- Tells the listeners of `campaign:<id>` that the campaign was closed or has one more conversation.
--
-- Args: a campaign whose row this transaction has locked, so that counts arrive in order.
-- Writes: as broadcast. Events: campaign_changed `{campaign_id, status, conversations}`.
create or replace function private.announce_campaign(p_campaign_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_payload constant jsonb := (
    select jsonb_build_object(
      'campaign_id', g.id,
      'status', g.status,
      'conversations',
      (select count(*) from private.conversations as c where c.campaign_id = g.id)
    )
    from public.campaigns as g
    where g.id = p_campaign_id
  );
begin
  perform private.broadcast(
    array['campaign_changed'], array['campaign:' || p_campaign_id], array[v_payload]
  );
end;
$$;

grant execute on function private.create_campaign(text, text, jsonb) to authenticated;
grant execute on function public.create_campaign(text, text, jsonb) to authenticated;
grant execute on function private.close_campaign(uuid) to authenticated;
grant execute on function public.close_campaign(uuid) to authenticated;

-- source: 38_market/read_amount.sql sha256:2a91e364a6bac7912502e080e60df7d677c52d0b4bbdc22b892e593d5592858f
-- An amount from a client, in paise: a JSON number of rupees, or a text in the notations of
-- private.read_price; null stays null.
--
-- Args: the amount; the name of the argument, for the refusal.
-- Errors: INPUT_INVALID (422) `{field, rule: "type" | "number" | "decimals"}`, PRICE_UNPARSEABLE
-- (422) `{understood}`, PRICE_OUT_OF_RANGE (422) `{min, max, understood}` in rupees.
create or replace function private.read_amount(p_amount jsonb, p_field text)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- More digits than any amount has; longer numbers cost time.
  c_max_bytes constant integer := 20000;
  v_type constant text := jsonb_typeof(p_amount);
begin
  if v_type not in ('number', 'string') or pg_column_size(p_amount) > c_max_bytes then
    perform private.raise_input_invalid(p_field, 'type', 'Pass an amount as a number or a text.');
  end if;
  return case v_type
    when 'number' then private.to_minor(p_amount::numeric, p_field)
    when 'string' then private.to_minor(private.read_price(p_amount #>> '{}'), p_field)
  end;
end;
$$;

-- Rupees in paise; null stays null.
create or replace function private.to_minor(p_amount numeric, p_field text)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_min constant integer := 1;
  c_max constant integer := 10000000;
begin
  if p_amount in ('nan', 'infinity', '-infinity') then
    perform private.raise_input_invalid(p_field, 'number', 'An amount is a number of rupees.');
  end if;
  if p_amount <> trunc(p_amount, 2) then
    perform private.raise_input_invalid(
      p_field, 'decimals', 'An amount has at most two decimals: rupees and paise.'
    );
  end if;
  if p_amount not between c_min and c_max then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE', format('An amount is between %s and %s rupees.', c_min, c_max),
      jsonb_build_object(
        'min', c_min, 'max', c_max,
        -- A number of few bytes can be a very long text.
        'understood', case when abs(p_amount) < 1e1000 then trim_scale(p_amount) end
      ),
      p_status => 422
    );
  end if;
  return (p_amount * 100)::bigint;
end;
$$;

-- source: 38_market/require_role.sql sha256:78ac64f07d0f4e05d45342ea058772cc6498d705ed4b8e16179fb2da60131616
-- The caller's id, when the caller's profile has the role `influencer` or `brand_owner`.
--
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409) before complete_profile, FORBIDDEN (403)
-- for the other role.
create or replace function private.require_role(p_role text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_role constant text := (select u.role from public.users as u where u.id = v_me);
begin
  if v_role is null then
    perform private.raise_error(
      'PROFILE_INCOMPLETE', 'Your profile is not complete yet.', p_status => 409,
      p_hint => 'Call complete_profile first.'
    );
  end if;
  if v_role <> p_role then
    perform private.raise_error(
      'FORBIDDEN', format('Only a user with the role %s can do this.', p_role), p_status => 403
    );
  end if;
  return v_me;
end;
$$;

-- source: 38_market/require_text.sql sha256:e1276a215c9ef17dd2911b84f9e6f0643f6d15e36894852b56c2de3f4fbb43f9
-- A text that must not be blank, as it is stored.
--
-- Args: the text; the name of the argument, for the refusal; how many characters it may have.
-- Errors: INPUT_INVALID (422) `{field, rule}`: length, or a rule of private.read_text.
create or replace function private.require_text(p_text text, p_field text, p_max integer)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_text constant text := private.read_text(p_text, p_field, p_max);
begin
  if v_text is null or private.is_blank(v_text) then
    perform private.raise_input_invalid(
      p_field, 'length', format('Write 1 to %s characters.', p_max)
    );
  end if;
  return v_text;
end;
$$;

-- source: 40_flow/advance_conversation.sql sha256:8cd9d6e0b2e5de8144930948d83ce83211f29fd408ecfc2db68cedc7b236e202
-- Takes one action in a conversation by the rows of its flow: the interpreter of flows.
--
-- It finds the row for the state, the role and the action; checks input and guards; enters the next
-- state; runs the effects; composes the row's messages; and takes the row's follow-up in the same
-- transaction: one of the system always, one of the actor when the first input has its fields.
-- Args: the step: its conversation, locked unless this is a trial, without a due deadline; actor,
-- action, input and time; and how it was made, for announce_step. A trial changes nothing outside
-- its answer. Returns the step with its results; the messages of a trial have no numbers.
-- Locks: the conversation's row must be locked already. Writes: as record_step, announce_step and
-- the effects.
-- Errors: those of refuse_action, refuse_turn, check_input, refuse_guard and of the effects; 20000
-- (case_not_found) for an unknown effect, which no published flow has.
create or replace function private.advance_conversation(
  p_step private.flow_step,
  p_event jsonb default null
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  -- More steps than any proved flow takes at once: a second safeguard beside the proof.
  c_most constant integer := 20;
  -- Guards about the turn are checked before the input.
  c_turn_guards constant text[] := array['is_awaited', 'is_requester', 'is_opener'];
  v_step private.flow_step := p_step;
  v_next private.conversations;
  v_rows private.flow_transitions[];
  v_row private.flow_transitions;
  v_state private.flow_states;
  v_guard text;
  v_held text[];
  v_failed text[];
  v_effect text;
  v_follower text;
  v_said integer;
  v_reason text;
begin
  v_step.from_state := (p_step.conversation).flow_state;
  v_step.path := '{}';
  v_step.effects := '{}';
  v_step.messages := '{}';
  v_step.notifications := '{}';
  for v_count in 1 .. c_most loop
    -- Find the row
    v_next := v_step.conversation;
    v_step.before := v_next;
    select
      f.rules,
      array(
        select t
        from private.flow_transitions as t
        where t.flow_id = v_next.flow_id
          and t.from_state = v_next.flow_state
          and t.role = v_step.role
          and t.action = v_step.action
        order by t.position
      )
    into v_step.rules, v_rows
    from private.flow_definitions as f
    where f.id = v_next.flow_id;
    if v_rows = '{}' then
      perform private.refuse_action(v_step);
    end if;
    v_held := '{}';
    foreach v_row in array v_rows loop
      foreach v_guard in array v_row.guards loop
        continue when v_guard <> all (c_turn_guards) or v_guard = any (v_held);
        if private.failed_guards(v_step, array[v_guard]) <> '{}' then
          perform private.refuse_turn(v_step, v_row, v_guard);
        end if;
        v_held := v_held || v_guard;
      end loop;
    end loop;
    v_step.input := private.check_input(
      v_next.flow_id, v_step.action, v_step.input, (v_step.conversation).id
    );
    foreach v_row in array v_rows loop
      v_failed := case
        when v_row.guards <@ v_held then '{}'
        else private.failed_guards(v_step, v_row.guards, v_row.to_state)
      end;
      exit when v_failed = '{}';
    end loop;
    if v_failed <> '{}' then
      perform private.refuse_guard(v_step, v_failed[1]);
    end if;
    v_step.withheld := '{}';
    if v_next.is_barred and v_step.role in ('influencer', 'brand_owner') then
      v_step := private.withhold_words(v_step, v_row.effects);
    end if;

    -- Enter the next state
    v_step.reason := replace(coalesce(v_row.reason, v_row.action), '{role}', v_step.role);
    v_reason := coalesce(v_reason, v_step.reason);
    if v_row.to_state <> v_row.from_state then
      select s.* into v_state
      from private.flow_states as s
      where s.flow_id = v_row.flow_id and s.state = v_row.to_state;
      v_next.flow_state := v_row.to_state;
      v_next.chat_status := private.chat_status_in(v_row.to_state);
      v_next.automation_enabled := v_next.chat_status = 'automated';
      v_next.entered_at := v_step.at;
      v_next.deadline_at := private.state_deadline(v_next, v_step.rules, v_state);
      v_next.work_status := coalesce(v_state.work_status, v_next.work_status);
    end if;
    v_next.awaiting_role := case v_row.awaiting
      when 'unchanged' then v_next.awaiting_role
      when 'other' then private.other_role(v_step.role)
      else v_row.awaiting
    end;
    v_next.version := v_next.version + 1;
    v_next.updated_at := v_step.at;
    if v_step.role = 'system' then
      if exists (
        select from private.flow_states as s
        where s.flow_id = v_row.flow_id
          and s.state = v_row.from_state
          and s.deadline_action = v_row.action
      ) then
        v_next.timed_at := v_step.at;
      end if;
    end if;
    v_step.conversation := v_next;
    foreach v_effect in array v_row.effects loop
      case
        when v_effect in (
          'make_offer', 'make_counter', 'hold_offer', 'finalize_offer', 'agree_on_offer',
          'agree_on_counter', 'agree_on_quote', 'count_return'
        ) then
          v_step.conversation := private.affect_offers(v_effect, v_step);
        when v_effect in (
          'start_work', 'store_submission', 'withdraw_submission', 'request_revision',
          'approve_work', 'propose_extension', 'accept_extension', 'drop_extension', 'keep_rating'
        ) then
          v_step.conversation := private.affect_work(v_effect, v_step);
        when v_effect in (
          'propose_cancellation', 'drop_cancellation', 'resume', 'open_dispute', 'escalate',
          'close_dispute', 'raise_alert'
        ) then
          v_step.conversation := private.affect_disputes(v_effect, v_step);
        when v_effect in (
          'open_order', 'note_attempt', 'hold_funds', 'bounce_payment', 'release_funds',
          'request_refund', 'request_agreed_refund', 'request_split_refund', 'retry_refund',
          'settle_refund', 'charge_back'
        ) then
          v_step.conversation := private.affect_money(v_effect, v_step);
        when v_effect in (
          'close', 'reopen', 'accept_request', 'reject_request', 'keep_details', 'count_question'
        ) then
          v_step.conversation := private.affect_requests(v_effect, v_step);
        else raise exception 'there is no effect %', v_effect using errcode = 'case_not_found';
      end case;
    end loop;

    -- Compose its messages, and find a follow-up
    v_follower := case when v_row.follow_up is not null
      then private.find_follower(v_row, v_step.role, p_step.input)
    end;
    v_said := cardinality(v_step.messages);
    v_step := private.compose_messages(v_step, v_row.name, v_follower is not null);
    if not v_step.is_trial then
      v_step := private.record_step(v_step, v_row, v_said);
    end if;
    v_step.path := v_step.path || v_row.to_state;
    v_step.effects := v_step.effects || v_row.effects;
    exit when v_follower is null;
    v_step.action := v_row.follow_up;
    v_step.role := v_follower;
    v_step.input := p_step.input;
    if v_follower = 'system' then
      v_step.actor_id := null;
      v_step.input := '{}';
    end if;
  end loop;

  v_step.actor_id := p_step.actor_id;
  v_step.role := p_step.role;
  v_step.action := p_step.action;
  v_step.reason := v_reason;
  if not v_step.is_trial then
    v_step.heard := private.announce_step(v_step, p_event);
  end if;
  return v_step;
end;
$$;

-- The role that takes a row's follow-up at once: the system whenever it can; the actor when the
-- first action's input has all the fields of the follow-up. Null: none.
create or replace function private.find_follower(
  p_row private.flow_transitions,
  p_role text,
  p_input jsonb
)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_role text;
begin
  select t.role into v_role
  from private.flow_transitions as t
  where t.flow_id = p_row.flow_id
    and t.from_state = p_row.to_state
    and t.action = p_row.follow_up
    and t.role in ('system', p_role)
  limit 1;
  if v_role <> 'system' and exists (
    select from private.flow_inputs as i
    where i.flow_id = p_row.flow_id
      and i.action = p_row.follow_up
      and i.required
      and coalesce(p_input -> i.field, 'null') = 'null'
  ) then
    return null;
  end if;
  return v_role;
end;
$$;

-- Across a block a step counts, but its texts are not delivered: moves a party's texts from the
-- step's input, which both sides read, to its withheld. Of that only the reason of a dispute is
-- stored, for operators. The links of the work stay, because an effect needs them.
create or replace function private.withhold_words(p_step private.flow_step, p_effects text[])
returns private.flow_step
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_words text[];
begin
  v_words := array(
    select i.field
    from private.flow_inputs as i
    where i.flow_id = (p_step.conversation).flow_id
      and i.action = p_step.action
      and i.type in ('text', 'textarea', 'email', 'file')
      and p_step.input ? i.field
      and not exists (
        select from private.flow_needs as n
        where n.name = any (p_effects) and n.field = i.field and n.is_required
      )
  );
  if v_words <> '{}' then
    v_step.withheld := p_step.input;
    v_step.input := p_step.input - v_words;
  end if;
  return v_step;
end;
$$;

-- source: 40_flow/affect_disputes.sql sha256:840904390810bf0140162ab7b405c9bdcb81f82154b3c78f1bd7afb741833ea5
-- The effects of interruptions: requests to cancel, disputes, and resuming after them.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: disputes, legal_holds, alerts, unless the step is a trial.
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` for a refund of more than the deal holds.
create or replace function private.affect_disputes(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  v_origin constant text := case
    when p_effect = 'escalate' then 'clock'
    when p_step.role = 'system' then 'bank'
    when p_step.role = 'admin' then 'admin'
    else 'party'
  end;
  -- The party that asks for the pause, and the state of the deal at that time.
  v_asker constant text := case when p_step.role not in ('system', 'admin') then p_step.role end;
  v_pause jsonb;
begin
  if p_effect in ('propose_cancellation', 'open_dispute', 'escalate') then
    v_pause := jsonb_build_object(
      'state', (p_step.before).flow_state,
      'work_status', (p_step.before).work_status,
      'deadline_at', (p_step.before).deadline_at,
      'since', p_step.at,
      'by', v_asker
    );
  end if;
  case p_effect
    when 'propose_cancellation' then
      perform private.check_refund(v_deal, (p_step.input -> 'refund_amount_minor')::bigint);
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'cancellations');
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'cancellation', jsonb_strip_nulls(jsonb_build_object(
          'by', p_step.role,
          'refund_minor', p_step.input -> 'refund_amount_minor',
          'refund_amount', p_step.input -> 'refund_amount',
          'reason', p_step.input -> 'reason'
        )),
        'resume', v_pause
      );

    when 'drop_cancellation' then
      v_deal.flow_data := v_deal.flow_data - 'cancellation';

    when 'resume' then
      return private.resume_deal(p_step);

    when 'open_dispute', 'escalate' then
      if v_origin = 'party' then
        v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'disputes');
      end if;
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'dispute', jsonb_strip_nulls(jsonb_build_object(
          'origin', v_origin,
          'opened_by', case when v_origin = 'party' then p_step.role end,
          'reason', p_step.input -> 'reason'
        ))
      );
      -- A running pause continues; once both have asked for it, neither asked alone.
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'resume', case
          when not v_deal.flow_data ? 'resume' then v_pause
          when v_deal.flow_data #>> '{resume,by}' = v_asker then v_deal.flow_data -> 'resume'
          else v_deal.flow_data -> 'resume' || '{"by": null}'
        end
      );
      if not p_step.is_trial then
        insert into private.disputes (conversation_id, opened_by, origin, reason, opened_at)
        values (
          v_deal.id, p_step.actor_id, v_origin,
          -- For operators, who also read withheld texts.
          coalesce(p_step.input ->> 'reason', p_step.withheld ->> 'reason'), p_step.at
        )
        on conflict (conversation_id) where closed_at is null do update set origin = v_origin;
        insert into private.legal_holds (conversation_id, reason, placed_at)
        values (v_deal.id, 'dispute', p_step.at)
        on conflict (conversation_id) do nothing;
      end if;

    when 'close_dispute' then
      v_deal.flow_data := v_deal.flow_data - 'dispute';
      if not p_step.is_trial then
        update private.disputes as d
        set
          verdict = p_step.action,
          closed_by = p_step.actor_id,
          closed_at = p_step.at,
          note = p_step.input ->> 'note'
        where d.conversation_id = v_deal.id and d.closed_at is null;
        delete from private.legal_holds as h
        where h.conversation_id = v_deal.id and h.reason = 'dispute';
      end if;

    when 'raise_alert' then
      if not p_step.is_trial then
        perform private.open_alert(
          p_step.action, 'warning', concat_ws(':', p_step.action, v_deal.id), v_deal.id,
          jsonb_build_object('state', v_deal.flow_state, 'reason', p_step.reason)
        );
      end if;
  end case;
  return v_deal;
end;
$$;

-- Returns a deal to its state before a pause.
--
-- An awaited party that asked for the pause alone gets the old deadline back. Any other awaited
-- party gets the whole time of the state, and work at least the time of a revision. The delivery
-- date moves on by the pause, unless the influencer asked for it. When an operator ends the pause,
-- no party counts as having asked.
create or replace function private.resume_deal(p_step private.flow_step)
returns private.conversations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  v_resume constant jsonb := v_deal.flow_data -> 'resume';
  v_asker constant text := case when p_step.role <> 'admin' then v_resume ->> 'by' end;
  v_pause constant interval := case
    when v_asker = 'influencer' then interval '0'
    -- Without days, because a day is not always 24 hours.
    else extract(epoch from p_step.at - (v_resume ->> 'since')::timestamptz) * interval '1 second'
  end;
begin
  v_deal.work_status := v_resume ->> 'work_status';
  v_deal.delivery_due_at := v_deal.delivery_due_at + v_pause;
  v_deal.flow_data := v_deal.flow_data - 'resume' || jsonb_build_object(
    'clock_from', (v_deal.flow_data ->> 'clock_from')::timestamptz + v_pause
  );
  if v_asker = v_deal.awaiting_role then
    v_deal.deadline_at := (v_resume ->> 'deadline_at')::timestamptz;
    return v_deal;
  end if;
  if v_deal.flow_state = 'work_in_progress' then
    v_deal.delivery_due_at := greatest(
      v_deal.delivery_due_at,
      p_step.at + (p_step.rules ->> 'revision_days')::numeric * interval '24 hours'
    );
  end if;
  v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);
  return v_deal;
end;
$$;

-- source: 40_flow/affect_money.sql sha256:48418fba9fdc620a9186a0d5f8ad914e6455eeb621d2345c2466428c614824c8
-- The effects on the money of a deal: payments, held money, releases, refunds, chargebacks.
--
-- Amounts are in paise. Every transfer is in the conversation's books and in escrow_ledger.
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: escrow_ledger, payment_orders, refunds, payouts, and as private.claim_payment_order,
-- unless the step is a trial.
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` for a refund of more than the deal holds,
-- PAYMENT_NOT_READY (409) while a payment is being confirmed.
create or replace function private.affect_money(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  -- From the step's payment.
  v_paid_minor constant bigint := (p_step.input -> 'amount_minor')::bigint;
  v_payment_id constant text := p_step.input ->> 'payment_id';
  v_refund_minor bigint;
begin
  case p_effect
    when 'open_order' then
      perform private.refuse_second_payment(v_deal.id);
      if not p_step.is_trial then
        v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
          'payment_order', private.payment_order_json(
            private.claim_payment_order(v_deal, p_step.at)
          )
        );
      end if;

    when 'note_attempt' then
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object('last_attempt_at', p_step.at);
      v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);

    when 'hold_funds' then
      v_deal.captured_minor := v_deal.captured_minor + v_paid_minor;
      v_deal.held_minor := v_deal.held_minor + v_paid_minor;
      v_deal.flow_data := v_deal.flow_data - 'payment_order' || jsonb_build_object(
        'paid_at', p_step.at, 'clock_from', p_step.at, 'payment_id', v_payment_id
      );
      perform private.record_transfer(p_step, 'gateway', 'held', v_paid_minor, v_payment_id);
      if not p_step.is_trial then
        update private.payment_orders as o
        set status = 'paid', updated_at = p_step.at
        where o.conversation_id = v_deal.id and o.status = 'open';
      end if;

    when 'bounce_payment' then
      perform private.record_transfer(p_step, 'gateway', 'bounced', v_paid_minor, v_payment_id);
      if not p_step.is_trial then
        insert into private.refunds (
          conversation_id, payment_id, amount_minor, currency, kind, reason, requested_at
        )
        values (
          v_deal.id, v_payment_id, v_paid_minor, p_step.input ->> 'currency', 'bounce',
          p_step.reason, p_step.at
        );
      end if;

    when 'release_funds' then
      return private.release_held(p_step, v_deal);

    when 'request_refund' then
      return private.request_refund(p_step, v_deal.held_minor);
    when 'request_agreed_refund' then
      return private.request_refund(
        p_step,
        coalesce((v_deal.flow_data #>> '{cancellation,refund_minor}')::bigint, v_deal.held_minor)
      );
    when 'request_split_refund' then
      v_refund_minor := (p_step.input -> 'refund_amount_minor')::bigint;
      perform private.check_refund(v_deal, v_refund_minor);
      return private.request_refund(p_step, v_refund_minor);

    when 'retry_refund' then
      if not p_step.is_trial then
        update private.refunds as r
        set attempts = r.attempts + 1
        where r.conversation_id = v_deal.id and r.kind = 'deal' and r.status = 'requested';
      end if;

    when 'settle_refund' then
      v_refund_minor := (v_deal.flow_data -> 'refund_minor')::bigint;
      v_deal.refunded_minor := v_deal.refunded_minor + v_refund_minor;
      v_deal.held_minor := v_deal.held_minor - v_refund_minor;
      v_deal.flow_data := v_deal.flow_data - 'refund_minor';
      perform private.record_transfer(p_step, 'held', 'refunded', v_refund_minor, null);
      if not p_step.is_trial then
        update private.refunds as r
        set
          status = 'processed',
          reference = p_step.input ->> 'reference',
          processed_at = p_step.at
        where r.conversation_id = v_deal.id and r.kind = 'deal' and r.status = 'requested';
      end if;
      return private.release_held(p_step, v_deal);

    when 'charge_back' then
      perform private.record_transfer(p_step, 'held', 'charged_back', v_deal.held_minor, null);
      v_deal.charged_back_minor := v_deal.charged_back_minor + v_deal.held_minor;
      v_deal.held_minor := 0;
      v_deal.flow_data := v_deal.flow_data - 'resume';
  end case;
  return v_deal;
end;
$$;

-- Requests a refund of an amount that a deal holds, and returns the conversation. It drops a pause.
--
-- Writes: refunds, unless the step is a trial.
create or replace function private.request_refund(
  p_step private.flow_step,
  p_amount_minor bigint
)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
begin
  v_deal.flow_data := v_deal.flow_data - 'resume'
    || jsonb_build_object('refund_minor', p_amount_minor);
  if not p_step.is_trial then
    insert into private.refunds (
      conversation_id, payment_id, amount_minor, currency, kind, reason, requested_at
    )
    values (
      v_deal.id, v_deal.flow_data ->> 'payment_id', p_amount_minor, v_deal.currency, 'deal',
      p_step.reason, p_step.at
    );
  end if;
  return v_deal;
end;
$$;

-- Releases the held money to the influencer, less the fee (rule fee_basis_points, rounded down to a
-- paisa), and returns the conversation with its books. It drops a pause.
--
-- Writes: escrow_ledger, payouts, unless the step is a trial.
create or replace function private.release_held(
  p_step private.flow_step,
  p_deal private.conversations
)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_deal;
  v_held constant bigint := v_deal.held_minor;
  v_fee constant bigint
    := floor(v_held * (p_step.rules ->> 'fee_basis_points')::numeric / 10000);
begin
  v_deal.flow_data := v_deal.flow_data - 'resume';
  v_deal.held_minor := 0;
  v_deal.fee_minor := v_deal.fee_minor + v_fee;
  v_deal.released_minor := v_deal.released_minor + v_held - v_fee;
  perform private.record_transfer(p_step, 'held', 'fee', v_fee, null);
  perform private.record_transfer(p_step, 'held', 'released', v_held - v_fee, null);
  if not p_step.is_trial and v_held > v_fee then
    insert into private.payouts (
      conversation_id, influencer_id, amount_minor, currency, created_at
    )
    values (v_deal.id, v_deal.influencer_id, v_held - v_fee, v_deal.currency, p_step.at);
  end if;
  return v_deal;
end;
$$;

-- Records in the ledger that an amount moved from one account to another; nothing for 0.
--
-- Args: the step; the accounts; paise; the gateway's payment, for money that comes from there.
-- Writes: escrow_ledger, unless the step is a trial.
create or replace function private.record_transfer(
  p_step private.flow_step,
  p_from text,
  p_to text,
  p_amount_minor bigint,
  p_payment_id text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_step.is_trial or p_amount_minor = 0 then
    return;
  end if;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  values (
    (p_step.conversation).id, p_from, p_to, p_amount_minor,
    coalesce(p_step.input ->> 'currency', (p_step.conversation).currency),
    (p_step.conversation).version, p_payment_id, p_step.at
  );
end;
$$;

-- Refuses a refund of more than the deal holds; without an amount the refund is all of it.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}`, in rupees.
create or replace function private.check_refund(
  p_deal private.conversations,
  p_amount_minor bigint
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_amount_minor > p_deal.held_minor then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE',
      format(
        'The refund is at most %s: that is what the deal holds.',
        private.rupees_text(p_deal.held_minor)
      ),
      jsonb_build_object('min', 1, 'max', private.rupees(p_deal.held_minor)),
      p_status => 422
    );
  end if;
end;
$$;

-- source: 40_flow/affect_offers.sql sha256:7b3dbe52614572093a72ec712271306fa30d6e2226b3bd64cd0101212d4c5081
-- The effects on prices: offers, counter offers, and the price that is agreed on.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: offers, unless the step is a trial.
create or replace function private.affect_offers(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  v_offered_minor bigint;
begin
  case p_effect
    when 'make_offer' then
      v_offered_minor := (p_step.input -> 'price_minor')::bigint;
      v_deal.flow_data := v_deal.flow_data - array['counter', 'counter_minor']
        || private.money_json('offer', 'offer_minor', v_offered_minor)
        || jsonb_build_object(
          'negotiation_round', private.flow_count(v_deal.flow_data, 'negotiation_round') + 1
        );
    when 'make_counter' then
      v_offered_minor := (p_step.input -> 'price_minor')::bigint;
      v_deal.flow_data := v_deal.flow_data
        || private.money_json('counter', 'counter_minor', v_offered_minor);
    when 'hold_offer' then
      v_offered_minor := (v_deal.flow_data -> 'offer_minor')::bigint;
      v_deal.flow_data := v_deal.flow_data || '{"offer_is_final": true}';
    when 'finalize_offer' then
      v_deal.flow_data := v_deal.flow_data || '{"offer_is_final": true}';
    when 'agree_on_offer' then
      v_deal.amount_minor := (v_deal.flow_data -> 'offer_minor')::bigint;
    when 'agree_on_counter' then
      v_deal.amount_minor := (v_deal.flow_data -> 'counter_minor')::bigint;
    when 'agree_on_quote' then
      v_deal.amount_minor := (v_deal.flow_data -> 'quote_minor')::bigint;
    when 'count_return' then
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'returns');
  end case;

  if starts_with(p_effect, 'agree_on_') then
    v_deal.flow_data := v_deal.flow_data
      || private.money_json('agreed_amount', 'agreed_minor', v_deal.amount_minor);
  end if;
  if v_offered_minor is not null and not p_step.is_trial then
    insert into public.offers (
      conversation_id, version, round, made_by, amount_minor, currency, is_final, created_at
    )
    values (
      v_deal.id, v_deal.version, private.flow_count(v_deal.flow_data, 'negotiation_round'),
      p_step.role, v_offered_minor, v_deal.currency,
      coalesce((v_deal.flow_data -> 'offer_is_final')::boolean, false), p_step.at
    );
  end if;
  return v_deal;
end;
$$;

-- source: 40_flow/affect_requests.sql sha256:7b65f1aa1e120ad8eb538699fcb95de582f2c5c583039300fc0020519f971297
-- The effects at the begin and the end of a conversation: applications, project details, closing.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: requests, payment_orders, unless the step is a trial.
create or replace function private.affect_requests(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations := p_step.conversation;
begin
  case p_effect
    when 'accept_request', 'reject_request' then
      if not p_step.is_trial then
        update public.requests as r
        set
          status = case p_effect when 'accept_request' then 'accepted' else 'rejected' end,
          updated_at = p_step.at
        where r.id = v_conversation.request_id and r.status = 'pending';
      end if;

    -- The history has the earlier versions.
    when 'keep_details' then
      v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
        'project_details', p_step.input ->> 'details',
        'details_version', private.flow_count(v_conversation.flow_data, 'details_version') + 1
      );

    when 'count_question' then
      v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
        'questions', private.flow_count(v_conversation.flow_data, 'questions') + 1
      );

    when 'close' then
      v_conversation.close_reason := p_step.reason;
      -- Both sides may read it, so an operator is not named.
      v_conversation.closed_by := case when p_step.role <> 'admin' then p_step.actor_id end;
      v_conversation.flow_data := v_conversation.flow_data - 'payment_order';
      if not p_step.is_trial then
        update public.requests as r
        set status = 'closed', updated_at = p_step.at
        where r.id = v_conversation.request_id and r.status in ('pending', 'accepted');
        update private.payment_orders as o
        set status = 'cancelled', updated_at = p_step.at
        where o.conversation_id = v_conversation.id and o.status = 'open';
      end if;

    when 'reopen' then
      v_conversation.close_reason := null;
      v_conversation.closed_by := null;
  end case;
  return v_conversation;
end;
$$;

-- source: 40_flow/affect_work.sql sha256:9b5cedea910f510aeb933e46094c6da5ae9bf8c1dc0f73fed5a42cc36ec6f091
-- The effects on the work: its start, submissions, revisions, more time, and ratings.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: work_submissions, files, ratings, unless the step is a trial.
create or replace function private.affect_work(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
begin
  case p_effect
    when 'start_work' then
      v_deal.delivery_due_at
        := p_step.at + (p_step.rules ->> 'delivery_days')::numeric * interval '24 hours';

    when 'store_submission' then
      v_deal.work_submitted := true;
      v_deal.submission_date := p_step.at;
      v_deal.work_submission := p_step.input || jsonb_build_object('submitted_at', p_step.at);
      if not p_step.is_trial then
        insert into public.work_submissions (
          conversation_id, number, deliverables, description, submission_notes, attachments,
          submitted_at
        )
        select
          v_deal.id, coalesce(max(s.number), 0) + 1, p_step.input ->> 'deliverables',
          p_step.input ->> 'description', p_step.input ->> 'submission_notes',
          p_step.input -> 'attachments', p_step.at
        from public.work_submissions as s
        where s.conversation_id = v_deal.id;
        if p_step.input ? 'attachments' then
          perform private.attach_files(p_step.input -> 'attachments', null);
        end if;
      end if;

    when 'withdraw_submission' then
      perform private.review_submission(p_step, 'withdrawn');
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'withdrawals');
      select
        jsonb_strip_nulls(jsonb_build_object(
          'deliverables', s.deliverables, 'description', s.description,
          'submission_notes', s.submission_notes, 'submitted_at', s.submitted_at
        ))
        || case
          when s.attachments is null then '{}'
          else jsonb_build_object('attachments', s.attachments)
        end,
        s.submitted_at
      into v_deal.work_submission, v_deal.submission_date
      from public.work_submissions as s
      where s.conversation_id = v_deal.id and s.status = 'revision_requested'
      order by s.number desc
      limit 1;
      v_deal.work_submitted := v_deal.work_submission is not null;

    when 'request_revision' then
      v_deal.work_status := 'revision_requested';
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'revision_count', private.flow_count(v_deal.flow_data, 'revision_count') + 1
      );
      v_deal.delivery_due_at := greatest(
        v_deal.delivery_due_at,
        p_step.at + (p_step.rules ->> 'revision_days')::numeric * interval '24 hours'
      );
      v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);
      perform private.review_submission(p_step, 'revision_requested');

    when 'approve_work' then
      perform private.review_submission(p_step, 'approved');

    when 'propose_extension' then
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'extensions')
        || jsonb_build_object('extension', jsonb_build_object('days', p_step.input -> 'days'));

    when 'accept_extension' then
      v_deal.delivery_due_at := v_deal.delivery_due_at
        + (v_deal.flow_data #>> '{extension,days}')::integer * interval '24 hours';
      v_deal.flow_data := v_deal.flow_data - 'extension';
      v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);

    when 'drop_extension' then
      v_deal.flow_data := v_deal.flow_data - 'extension';

    when 'keep_rating' then
      if not p_step.is_trial then
        insert into private.ratings (conversation_id, rater_id, rating, comment, created_at)
        values (
          v_deal.id, p_step.actor_id, (p_step.input -> 'rating')::integer,
          p_step.input ->> 'comment', p_step.at
        );
      end if;
  end case;
  return v_deal;
end;
$$;

-- Records the review of the newest submission, with the feedback of the step.
--
-- Writes: work_submissions, unless the step is a trial.
create or replace function private.review_submission(p_step private.flow_step, p_status text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    update public.work_submissions as s
    set status = p_status, feedback = p_step.input ->> 'feedback', reviewed_at = p_step.at
    where s.conversation_id = (p_step.conversation).id and s.status = 'submitted';
  end if;
end;
$$;

-- source: 40_flow/announce_step.sql sha256:35ee50f75b6cd7357f77810ddec9380b08ec59839dbe1de777574390e6661b9f
-- Tells both sides about a step and its follow-ups, in at most two events a side: the messages that
-- the side may see, and the new state.
--
-- The messages are one new_message, with the newest as `message`, all of them as `messages` where
-- there are several, and the notification. The actor has the answer of the call, so the actor's
-- topic gets events only where another session of the actor may listen; in a deal these are the
-- button or the text in place of new_message. Nobody is notified of their own step, or in a
-- conversation that they have muted.
-- Args: the step; how it was made, `{"event": "button_action", "button_id"}` or `{"event":
-- "text_input", "input_type"}` (null: as private.describe_action has it). Returns the messages that
-- the actor may see, as clients get them. Stores, for each side that gets an event, the version of
-- its context after the step; check_version compares with it. A rating of the other side does not
-- change it.
-- Writes: participants, notifications, push_outbox, realtime.messages.
-- Events: new_message, button_action, text_input, conversation_state_changed.
create or replace function private.announce_step(p_step private.flow_step, p_event jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  v_version constant bigint := private.base_version(v_conversation);
  v_messages constant jsonb[] := array(
    select private.message_json(m) from unnest(p_step.messages) as m order by m.seq
  );
  v_is_echoed constant boolean := p_step.actor_id is not null and exists (
    select from private.other_sessions as s where s.user_id = p_step.actor_id
  );
  v_message jsonb;
  v_member record;
  v_heard jsonb[];
  v_own_heard jsonb;
  v_note jsonb;
  v_payload jsonb;
  v_is_own boolean;
  v_event jsonb;
  v_events text[] := array[]::text[];
  v_topics text[] := array[]::text[];
  v_payloads jsonb[] := array[]::jsonb[];
begin
  for v_member in
    update private.participants as me
    set stepped_version = case
      when p_step.from_state <> v_conversation.flow_state
        or me.user_id is not distinct from p_step.actor_id
        or exists (
          select from unnest(v_messages) as m (message)
          where m.message ->> 'visible_to' = 'all'
            or m.message ->> 'receiver_id' = me.user_id::text
        )
        then v_version + me.version + other.shared_version
      else me.stepped_version
    end
    from private.participants as other
    where me.conversation_id = v_conversation.id
      and other.conversation_id = v_conversation.id
      and other.user_id <> me.user_id
    returning
      -- As private.conversation_versions.
      me.user_id, v_version + me.version + other.shared_version as version,
      'user:' || me.user_id as topic,
      coalesce(me.muted_until > now(), false) as is_muted,
      exists (
        select from private.push_tokens as t where t.user_id = me.user_id
      ) as has_device
  loop
    v_heard := '{}';
    v_note := null;
    v_is_own := v_member.user_id is not distinct from p_step.actor_id;
    for v_place in 1 .. cardinality(v_messages) loop
      v_message := v_messages[v_place];
      continue when v_message ->> 'visible_to' <> 'all'
        and v_message ->> 'receiver_id' <> v_member.user_id::text;
      v_heard := v_heard || v_message;
      if p_step.notifications[v_place] is not null and not v_is_own
        and not v_member.is_muted then
        v_note := jsonb_build_object(
          'type', p_step.notifications[v_place],
          'data', jsonb_build_object(
            'conversation_id', v_conversation.id,
            'message_id', v_message -> 'id',
            'sender_id', v_message -> 'sender_id',
            'flow_state', v_conversation.flow_state,
            'awaiting_role', v_conversation.awaiting_role
          )
        );
      end if;
    end loop;

    if v_is_own then
      v_own_heard := to_jsonb(v_heard);
      continue when not v_is_echoed;
      if v_conversation.kind <> 'direct' then
        v_event := coalesce(p_event, private.describe_action(v_conversation, p_step.action));
      end if;
    end if;
    if v_heard <> '{}' or v_is_own and v_event is not null then
      v_payload := jsonb_build_object(
        'conversation_id', v_conversation.id,
        -- The compact part of a context.
        'conversation_context', jsonb_build_object(
          'flow_state', v_conversation.flow_state,
          'chat_status', v_conversation.chat_status,
          'awaiting_role', v_conversation.awaiting_role,
          'last_seq', v_conversation.last_seq,
          'version', v_member.version
        ),
        'message', v_heard[cardinality(v_heard)],
        'notification', v_note
      );
      if cardinality(v_heard) > 1 then
        v_payload := v_payload || jsonb_build_object('messages', v_heard);
      end if;
      if v_is_own and v_event is not null then
        v_events := v_events || (v_event ->> 'event');
        v_payload := v_payload - 'notification' || (v_event - 'event')
          || jsonb_build_object('flow_update', private.flow_update_json(p_step));
      else
        v_events := v_events || 'new_message'::text;
      end if;
      v_payloads := v_payloads || v_payload;
      v_topics := v_topics || v_member.topic;
    end if;
    if p_step.from_state <> v_conversation.flow_state then
      v_events := v_events || 'conversation_state_changed'::text;
      v_payloads := v_payloads || jsonb_build_object(
        'conversation_id', v_conversation.id,
        'previous_state', p_step.from_state,
        'new_state', v_conversation.flow_state,
        'reason', p_step.reason,
        'timestamp', p_step.at
      );
      v_topics := v_topics || v_member.topic;
    end if;
    if v_note is not null then
      insert into private.notifications (user_id, type, conversation_id, message_id, data)
      values (
        v_member.user_id, v_note ->> 'type', v_conversation.id,
        (v_note #>> '{data,message_id}')::uuid,
        (v_note -> 'data') - array['conversation_id', 'message_id']
      );
      if v_member.has_device then
        perform private.queue_push(v_member.user_id, v_note ->> 'type', v_note -> 'data');
      end if;
    end if;
  end loop;
  perform private.broadcast(v_events, v_topics, v_payloads);
  return v_own_heard;
end;
$$;

-- The event for the actor's other devices: a typed text when the action is a form, otherwise a
-- button.
create or replace function private.describe_action(
  p_conversation private.conversations,
  p_action text
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_input_type text;
begin
  select i.input_type into v_input_type
  from private.flow_inputs as i
  where i.flow_id = p_conversation.flow_id
    and i.action = p_action
    and i.required
    and i.input_type is not null
  order by i.position
  limit 1;
  return case when v_input_type is null
    then jsonb_build_object('event', 'button_action', 'button_id', p_action)
    else jsonb_build_object('event', 'text_input', 'input_type', v_input_type)
  end;
end;
$$;

-- The change of state: the state before and now, the awaited role, the reason, and every state
-- entered on the way.
create or replace function private.flow_update_json(p_step private.flow_step)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'previous_state', p_step.from_state,
    'new_state', (p_step.conversation).flow_state,
    'awaiting_role', (p_step.conversation).awaiting_role,
    'reason', p_step.reason,
    'path', to_jsonb(p_step.path)
  );
$$;

-- source: 40_flow/check_input.sql sha256:0f3d8c5557f4681c3c64f33a0efcbb94fe39fefd9b701a3cfc2c7dfcb2c25bf3
-- The checked input of an action: the fields that the action has.
--
-- Other fields are ignored, and so are optional ones without a value. A price `x` becomes `x` in
-- rupees and `x_minor` in paise. Null is an empty input.
--
-- Args: the flow; the action; the input; the conversation that files were uploaded for.
-- Errors: INPUT_INVALID (422) `{field, rule}`, where rule is object (the input itself), required or
-- a rule of check_text_input, check_number_input, check_price_input or check_file_input; for prices
-- also PRICE_UNPARSEABLE (422) `{understood}` and PRICE_OUT_OF_RANGE (422) `{min, max}` in rupees.
create or replace function private.check_input(
  p_flow_id bigint,
  p_action text,
  p_input jsonb,
  p_conversation_id uuid default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_clean jsonb := '{}'::jsonb;
  v_field private.flow_inputs;
  v_given jsonb;
  v_value jsonb;
begin
  if jsonb_typeof(p_input) <> 'object' then
    perform private.raise_input_invalid('input', 'object', 'Pass an object with named values.');
  end if;
  for v_field in
    select i.* from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.action = p_action
    order by i.position, i.field
  loop
    v_field := private.complete_limits(v_field);
    v_given := nullif(p_input -> v_field.field, 'null');
    v_value := case
      when v_given is null then '{}'
      when v_field.type = 'price' then private.check_price_input(v_field, v_given)
      when v_field.type in ('number', 'integer') then private.check_number_input(v_field, v_given)
      when v_field.type = 'file' then private.check_file_input(v_field, v_given, p_conversation_id)
      else private.check_text_input(v_field, v_given)
    end;
    if v_field.required and v_value = '{}' then
      perform private.raise_input_invalid(
        v_field.field, 'required', format('Fill in "%s".', v_field.field)
      );
    end if;
    v_clean := v_clean || v_value;
  end loop;
  return v_clean;
end;
$$;

-- A text that a caller gave for a field of an action, cleaned, as `{x}`; `{}` when it is blank.
--
-- Args: the field with its limits; the value. Lengths count characters of the cleaned text.
-- Errors: INPUT_INVALID (422) `{field, rule}`: type (not a text), control_characters,
-- combining_marks, max_length, email.
create or replace function private.check_text_input(
  p_field private.flow_inputs,
  p_value jsonb
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_text text;
begin
  if jsonb_typeof(p_value) <> 'string' then
    perform private.raise_input_invalid(p_field.field, 'type', 'Pass a text.');
  end if;
  v_text := private.read_text(
    p_value #>> '{}', p_field.field, p_field.max_length, p_rule => 'max_length'
  );
  if private.is_blank(v_text) then
    return '{}'::jsonb;
  end if;
  if p_field.type = 'email' and v_text !~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' then
    perform private.raise_input_invalid(p_field.field, 'email', 'Pass an e-mail address.');
  end if;
  return jsonb_build_object(p_field.field, v_text);
end;
$$;

-- A number that a caller gave for a field of an action, as `{x}`; 3.0 comes back as 3.
--
-- Args: the field with its limits; the value.
-- Errors: INPUT_INVALID (422) `{field, rule}`: type (not a number), integer (a fraction), min, max,
-- number (JSON clients cannot hold it exactly).
create or replace function private.check_number_input(
  p_field private.flow_inputs,
  p_value jsonb
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  -- The largest integer that is exact in JSON everywhere: RFC 8259, section 6.
  c_max_exact constant numeric := 9007199254740991;
  c_max_decimals constant integer := 15;
  v_number numeric;
begin
  if jsonb_typeof(p_value) <> 'number' then
    perform private.raise_input_invalid(p_field.field, 'type', 'Pass a number.');
  end if;
  v_number := trim_scale(p_value::numeric);
  if p_field.type = 'integer' and scale(v_number) > 0 then
    perform private.raise_input_invalid(p_field.field, 'integer', 'Pass a whole number.');
  end if;
  if v_number < p_field.min then
    perform private.raise_input_invalid(
      p_field.field, 'min', format('The least is %s.', p_field.min)
    );
  end if;
  if v_number > p_field.max then
    perform private.raise_input_invalid(
      p_field.field, 'max', format('The most is %s.', p_field.max)
    );
  end if;
  if abs(v_number) > c_max_exact or scale(v_number) > c_max_decimals then
    perform private.raise_input_invalid(
      p_field.field, 'number', 'The number is too large, or has too many decimals.'
    );
  end if;
  return jsonb_build_object(p_field.field, v_number);
end;
$$;

-- A price that a caller gave for a field of an action: `{x}` in rupees, `{x_minor}` in paise; `{}`
-- for a blank text where none is required.
--
-- Args: the field with its limits; the value, a number or a text in the notations of read_price.
-- Errors: INPUT_INVALID (422) `{field, rule: "type" or "decimals"}`, PRICE_UNPARSEABLE (422)
-- `{understood}`, PRICE_OUT_OF_RANGE (422) `{min, max}` in rupees.
create or replace function private.check_price_input(
  p_field private.flow_inputs,
  p_value jsonb
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rupees numeric;
  v_minor bigint;
begin
  if jsonb_typeof(p_value) = 'string' then
    if not p_field.required and private.is_blank(p_value #>> '{}') then
      return '{}'::jsonb;
    end if;
    v_rupees := private.read_price(p_value #>> '{}');
  elsif jsonb_typeof(p_value) = 'number' then
    v_rupees := p_value::numeric;
  else
    perform private.raise_input_invalid(
      p_field.field, 'type', 'Pass a price as a number or a text.'
    );
  end if;
  v_minor := private.to_minor(v_rupees, p_field.field);
  if v_rupees not between p_field.min and p_field.max then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE',
      format('Name an amount from %s to %s rupees.', p_field.min, p_field.max),
      jsonb_build_object(
        'min', p_field.min, 'max', p_field.max, 'understood', trim_scale(v_rupees)
      ),
      p_status => 422
    );
  end if;
  return jsonb_build_object(
    p_field.field, private.rupees(v_minor), p_field.field || '_minor', v_minor
  );
end;
$$;

-- Files that a caller gave for a field of an action, as `{x: [file]}`; `{}` for none.
--
-- Args: the field; the list; the conversation.
-- Errors: those of private.read_attachments.
create or replace function private.check_file_input(
  p_field private.flow_inputs,
  p_value jsonb,
  p_conversation_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_files constant jsonb := private.read_attachments(p_value, p_conversation_id, p_field.field);
begin
  return case when v_files is null then '{}' else jsonb_build_object(p_field.field, v_files) end;
end;
$$;

-- A field of an action's input with the limits that its row leaves open: those that
-- private.to_minor has for every amount, and 1,000 characters of text.
create or replace function private.complete_limits(p_input private.flow_inputs)
returns private.flow_inputs
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_input.type = 'price' then
    p_input.min := coalesce(p_input.min, 1);
    p_input.max := coalesce(p_input.max, 10000000);
  elsif p_input.type in ('text', 'textarea', 'email') then
    p_input.max_length := coalesce(p_input.max_length, 1000);
  end if;
  return p_input;
end;
$$;

-- source: 40_flow/compose_messages.sql sha256:2794b9c738a17126a19cc287b324ac7755d996eefa94ef878c13ca50875a8ceb
-- Adds the messages of a row of the flow to the step, with the type of the notification that goes
-- with each.
--
-- A party's own text is never in a message's text: it is the quote, `action_data.quote {by, text}`,
-- which clients draw as the words of that user, together with its files. Messages to one role are
-- for that party alone; the actor gets an audit message.
-- Args: the step after its effects; the row's name; whether another step follows at once: then
-- there is no automated message, because nobody could answer it.
create or replace function private.compose_messages(
  p_step private.flow_step,
  p_row_name text,
  p_is_passed boolean
)
returns private.flow_step
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation private.conversations := p_step.conversation;
  -- The present time, also for a step that was due earlier.
  v_now constant timestamptz := clock_timestamp();
  v_templates private.flow_messages[];
  v_texts text;
  v_system_user_id uuid;
  v_values jsonb := '{}'::jsonb;
  v_template private.flow_messages;
  v_quoted text;
  v_message public.messages;
begin
  select
    array_agg(m order by m.position),
    string_agg(concat(m.text, m.title, m.subtitle, m.quote), ' '),
    (select (s.value #>> '{}')::uuid from private.settings as s where s.key = 'system_user_id')
  into v_templates, v_texts, v_system_user_id
  from private.flow_messages as m
  where m.flow_id = v_conversation.flow_id
    and m.transition = p_row_name
    and not (p_is_passed and m.message_type = 'automated');
  if v_templates is null then
    return v_step;
  end if;
  if position('{' in v_texts) > 0 then
    v_values := private.flow_values(p_step, v_texts);
  end if;
  foreach v_template in array v_templates loop
    v_message := null;
    v_message.id := gen_random_uuid();
    v_message.conversation_id := v_conversation.id;
    if not p_step.is_trial then
      v_conversation.last_seq := v_conversation.last_seq + 1;
      v_conversation.last_message_at := v_now;
      v_message.seq := v_conversation.last_seq;
    end if;
    v_message.sender_id := v_system_user_id;
    v_message.message_type := v_template.message_type;
    v_message.message := left(private.fill_template(v_template.text, v_values), 5000);
    v_message.visible_to := case v_template.audience
      when 'actor' then p_step.role
      when 'other' then private.other_role(p_step.role)
      else v_template.audience
    end;
    v_message.receiver_id := case v_message.visible_to
      when 'influencer' then v_conversation.influencer_id
      when 'brand_owner' then v_conversation.brand_owner_id
    end;
    v_message.created_at := v_now;
    v_message.action_required
      := v_template.message_type = 'automated' or v_template.buttons is not null;
    v_message.action_completed := false;
    v_message.is_automated := v_template.message_type <> 'user_input';
    if v_message.action_required then
      v_message.action_data := private.action_data(
        v_conversation, nullif(v_message.visible_to, 'all'),
        private.fill_template(v_template.title, v_values),
        private.fill_template(v_template.subtitle, v_values), v_template.buttons,
        v_template.message_type, v_message.id
      );
    end if;
    v_quoted := left(btrim(private.fill_template(v_template.quote, v_values), e' \n'), 5000);
    if v_quoted <> '' then
      v_message.action_data := coalesce(v_message.action_data, '{}') || jsonb_build_object(
        'quote', jsonb_build_object('by', p_step.actor_id, 'text', v_quoted)
      );
      v_message.attachments := p_step.input -> 'attachments';
    end if;
    v_step.messages := v_step.messages || v_message;
    v_step.notifications := v_step.notifications || v_template.notification;
  end loop;
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

-- The values of the placeholders in a step's messages: those of private.deal_values, the flow's
-- rules, the input, the names of both parties, and the title of the bid or campaign.
--
-- Args: the step; the texts, to read only the values that they name (null: all).
create or replace function private.flow_values(
  p_step private.flow_step,
  p_texts text default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  -- A login that was deleted.
  c_nameless constant text := 'The other side';
  v_values jsonb := p_step.input || jsonb_build_object(
    'role', p_step.role, 'reason_hint', ' Reason: ' || (p_step.input ->> 'reason')
  );
  v_a text;
  v_b text;
  v_is_a constant boolean := p_step.actor_id = v_conversation.user_a;
begin
  if p_texts is null or p_texts ~ '\{(influencer|brand_owner|actor|other)\}' then
    select
      (select u.display_name from public.users as u where u.id = v_conversation.user_a),
      (select u.display_name from public.users as u where u.id = v_conversation.user_b)
    into v_a, v_b;
    v_a := coalesce(v_a, c_nameless);
    v_b := coalesce(v_b, c_nameless);
    v_values := v_values || jsonb_build_object(
      'influencer', case v_conversation.influencer_id
        when v_conversation.user_a then v_a else v_b
      end,
      'brand_owner', case v_conversation.brand_owner_id
        when v_conversation.user_a then v_a else v_b
      end,
      'actor', case when v_is_a then v_a when not v_is_a then v_b end,
      'other', case when v_is_a then v_b when not v_is_a then v_a end
    );
  end if;
  if p_texts is null or position('{subject}' in p_texts) > 0 then
    v_values := v_values || jsonb_build_object(
      'subject', coalesce(
        (select b.title from public.bids as b where b.id = v_conversation.bid_id),
        (select c.title from public.campaigns as c where c.id = v_conversation.campaign_id)
      )
    );
  end if;
  -- The names of rules end in s, or in _a_day.
  if p_texts is null or position('s}' in p_texts) > 0 or position('_a_day}' in p_texts) > 0 then
    v_values := (
      select f.rules from private.flow_definitions as f where f.id = v_conversation.flow_id
    ) || v_values;
  end if;
  return private.deal_values(v_conversation, p_texts) || v_values;
end;
$$;

-- source: 40_flow/deal_values.sql sha256:2195184b92420eaeb7d98dc4642932c0df7f1eefc634e82b5013291d9e4e7f6c
-- Texts with values in them: the values of a deal, money in words, and how a template is filled.

-- The values of placeholders that come from the conversation alone. Amounts come as a number and,
-- under `…_text`, as people write them.
--
-- private.flow_values adds those of a step and of its parties.
-- Args: the conversation; the texts, to read only the values that they name (null: all).
create or replace function private.deal_values(
  p_conversation private.conversations,
  p_texts text default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_data constant jsonb := p_conversation.flow_data;
  v_values jsonb := v_data;
  v_zone text;
begin
  if p_texts is null or position('_text}' in p_texts) > 0 then
    v_values := v_values || jsonb_build_object(
      'offer_text', private.rupees_text((v_data -> 'offer_minor')::bigint),
      'counter_text', private.rupees_text((v_data -> 'counter_minor')::bigint),
      'quote_text', private.rupees_text((v_data -> 'quote_minor')::bigint),
      'agreed_text', private.rupees_text((v_data -> 'agreed_minor')::bigint),
      'released_text', private.rupees_text(p_conversation.released_minor),
      'refunded_text', private.rupees_text(p_conversation.refunded_minor),
      'refund_text', private.rupees_text(
        coalesce(
          (v_data -> 'refund_minor')::bigint,
          (v_data #> '{cancellation,refund_minor}')::bigint,
          p_conversation.held_minor
        )
      )
    );
  end if;
  if p_texts is null or position('_hint}' in p_texts) > 0 then
    v_values := v_values || jsonb_build_object(
      'released_hint', ' '
        || private.rupees_text(nullif(p_conversation.released_minor, 0)) || ' is yours.',
      'proposed_hint', ' Proposed: '
        || private.rupees_text((v_data -> 'proposed_minor')::bigint) || '.',
      'quote_hint', ' Price: ' || private.rupees_text((v_data -> 'quote_minor')::bigint) || '.',
      'counter_hint', ' The influencer asked for '
        || private.rupees_text((v_data -> 'counter_minor')::bigint) || '.'
    );
  end if;
  if p_texts is null or position('{de' in p_texts) > 0 then
    v_zone := private.get_setting('quota_timezone') #>> '{}';
    v_values := v_values || jsonb_build_object(
      'details', v_data -> 'project_details',
      'delivery_due', to_char(
        p_conversation.delivery_due_at at time zone v_zone, 'FMDD Mon YYYY'
      ),
      'deadline', to_char(p_conversation.deadline_at at time zone v_zone, 'FMDD Mon YYYY')
    );
  end if;
  return v_values || jsonb_build_object(
    'proposed_price', coalesce(v_data -> 'quote', v_data -> 'proposed_amount'),
    'pitch', v_data -> 'pitch'
  );
end;
$$;

-- A text of the flow with each `{name}` replaced by the value of that name, as text.
--
-- A name without a value becomes nothing. Braces inside a value stay as they are, so one party's
-- text cannot show the other a value that is not for it.
create or replace function private.fill_template(p_text text, p_values jsonb)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_pieces text[];
  v_piece text;
  v_name text;
  v_filled text;
begin
  if p_text is null or position('{' in p_text) = 0 then
    return p_text;
  end if;
  v_pieces := string_to_array(p_text, '{');
  v_filled := v_pieces[1];
  foreach v_piece in array v_pieces[2:] loop
    v_name := substring(v_piece from '^([a-z][a-z0-9_]*)\}');
    v_filled := v_filled || case
      when v_name is null then '{' || v_piece
      else coalesce(p_values ->> v_name, '') || substr(v_piece, char_length(v_name) + 2)
    end;
  end loop;
  return v_filled;
end;
$$;

-- An amount for flow_data: in rupees under one key, in paise under another.
create or replace function private.money_json(p_key text, p_minor_key text, p_minor bigint)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(p_key, private.rupees(p_minor), p_minor_key, p_minor);
$$;

-- An amount in paise as rupees, without needless zeros.
create or replace function private.rupees(p_minor bigint)
returns numeric
language sql
immutable
as $$
  select trim_scale(p_minor / 100.0);
$$;

-- An amount in paise as people in India write it: 150000050 is ₹15,00,000.50.
--
-- The last three digits of the rupees form a group, the ones before pairs.
create or replace function private.rupees_text(p_minor bigint)
returns text
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_rupees constant text := (p_minor / 100)::text;
begin
  return '₹'
    || case when char_length(v_rupees) > 3
      then regexp_replace(
        left(v_rupees, -3), '(\d)(?=(\d\d)+$)', '\1,', 'g'
      ) || ',' || right(v_rupees, 3)
      else v_rupees
    end
    || case when p_minor % 100 = 0 then '' else '.' || lpad((p_minor % 100)::text, 2, '0') end;
end;
$$;

-- source: 40_flow/draft_state.sql sha256:224e2aed2ab32556491b041be3fe55a99fae9cd6cd35135f0319345a39e7a108
-- Adds a state to the drafts of some kinds of flow: the state, its moves, and each move's messages,
-- button and inputs. A file of 80_data makes one call per state.
--
-- Args: the kinds, as for draft_flows; the state's name; `{title, waiting_on, clock, lasts,
-- deadline_action, free_text, on_block, work_status, moves}`. A move is `{name, kind, role, action,
-- guards, to, awaiting, effects, reason, follow_up, button, inputs, messages}`: "kind" limits it to
-- some of the kinds; several roles stand for one row each; without "to" the conversation stays in
-- its state. Moves and buttons keep their order. A move may name a state that a later file adds; if
-- none adds it, the proof fails.
-- Writes: flow_states, flow_transitions, flow_actions, and as draft_moves.
-- Errors: 22023 for an unknown key.
create or replace function private.draft_state(p_kinds text, p_state text, p_spec jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_moves constant jsonb := coalesce(p_spec -> 'moves', '[]');
  -- One order for all kinds, so that shared states have one position.
  v_position constant integer := (
    select coalesce(max(s.position), 0) + 1
    from private.flow_states as s
    join private.flow_definitions as f on f.id = s.flow_id
    where f.status = 'draft'
  );
begin
  perform private.refuse_unknown_keys(
    p_state, jsonb_build_array(p_spec),
    array[
      'title', 'waiting_on', 'clock', 'lasts', 'deadline_action', 'free_text', 'on_block',
      'work_status', 'moves'
    ]
  );
  perform private.refuse_unknown_keys(
    p_state, v_moves,
    '{name,kind,role,action,guards,to,awaiting,effects,reason,follow_up,button,inputs,messages}'
  );

  insert into private.flow_states as s (
    flow_id, position, state, title, waiting_on, clock, lasts, deadline_action,
    free_text, on_block, work_status
  )
  select
    f.id, v_position, p_state, said.title, coalesce(said.waiting_on, 'none'), said.clock,
    said.lasts, said.deadline_action, coalesce(said.free_text, false),
    said.on_block, said.work_status
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_to_record(p_spec) as said (
    title text, waiting_on text, clock text, lasts interval, deadline_action text,
    free_text boolean, on_block text, work_status text
  )
  on conflict (flow_id, state) do update
  set (
    position, title, waiting_on, clock, lasts, deadline_action, free_text, on_block,
    work_status
  ) = (
    excluded.position, excluded.title, excluded.waiting_on, excluded.clock, excluded.lasts,
    excluded.deadline_action, excluded.free_text, excluded.on_block,
    excluded.work_status
  );
  insert into private.flow_states (flow_id, position, state, title)
  select distinct f.id, 0, move.value ->> 'to', move.value ->> 'to'
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_array_elements(v_moves) as move
  where move.value ? 'to'
    and (not move.value ? 'kind' or f.id in (select private.draft_flows(move.value ->> 'kind')))
  on conflict (flow_id, state) do nothing;

  insert into private.flow_transitions (
    flow_id, name, position, from_state, role, action, guards, to_state, awaiting, effects, reason,
    follow_up
  )
  select
    f.id, said.name, v_position * 100 + move.place, p_state, role.name, said.action,
    coalesce(said.guards, '{}'), coalesce(said."to", p_state), said.awaiting,
    coalesce(said.effects, '{}'), said.reason, said.follow_up
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_array_elements(v_moves) with ordinality as move (item, place)
  cross join jsonb_to_record(move.item) as said (
    name text, kind text, role text, action text, guards text[], "to" text, awaiting text,
    effects text[], reason text, follow_up text
  )
  cross join unnest(string_to_array(said.role, ' ')) as role (name)
  where said.kind is null or f.id in (select private.draft_flows(said.kind));

  insert into private.flow_actions (
    flow_id, state, role, action, position, text, style, drawn, data
  )
  select
    f.id, p_state, role.name, said.action,
    row_number() over (partition by f.id, role.name order by move.place),
    said.button ->> 'text', coalesce(said.button ->> 'style', 'secondary'),
    coalesce(said.button ->> 'drawn', 'button'), said.button -> 'data'
  from private.draft_flows(p_kinds) as f (id)
  cross join jsonb_array_elements(v_moves) with ordinality as move (item, place)
  cross join jsonb_to_record(move.item) as said (kind text, role text, action text, button jsonb)
  cross join unnest(string_to_array(said.role, ' ')) as role (name)
  where said.button is not null
    and (said.kind is null or f.id in (select private.draft_flows(said.kind)));

  perform private.draft_moves(p_kinds, v_moves);
end;
$$;

-- Adds the messages of moves, by their names, and the fields of their actions to the drafts of some
-- kinds.
--
-- Args: the kinds; a list of `{name, action, kind, inputs, messages}`, other keys are for
-- draft_state. An input is `{field, type, required, min, max, max_length, placeholder, prefill,
-- input_type, is_secret, kind}`; `{field: "reason"}` alone is an optional text. A message is
-- `{type, to, text, title, subtitle, quote, buttons, notification, kind}`.
-- Writes: flow_inputs, flow_messages.
-- Errors: 22023 for an unknown key.
create or replace function private.draft_moves(p_kinds text, p_moves jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  c_reason constant jsonb := jsonb_build_object(
    'field', 'reason', 'type', 'textarea', 'placeholder', 'Why? (optional)', 'input_type', 'reason'
  );
  v_move jsonb;
begin
  for v_move in
    select move.value from jsonb_array_elements(p_moves) as move
  loop
    perform private.refuse_unknown_keys(
      v_move ->> 'action', coalesce(v_move -> 'inputs', '[]'),
      '{field,type,required,min,max,max_length,placeholder,prefill,input_type,is_secret,kind}'
    );
    perform private.refuse_unknown_keys(
      v_move ->> 'name', coalesce(v_move -> 'messages', '[]'),
      '{type,to,text,title,subtitle,quote,buttons,notification,kind}'
    );
    insert into private.flow_inputs (
      flow_id, action, field, position, type, required, min, max, max_length, placeholder,
      prefill, input_type, is_secret
    )
    select
      f.id, v_move ->> 'action', said.field, input.place, said.type,
      coalesce(said.required, false), said.min, said.max, said.max_length, said.placeholder,
      said.prefill, said.input_type, coalesce(said.is_secret, false)
    from private.draft_flows(coalesce(v_move ->> 'kind', p_kinds)) as f (id)
    cross join jsonb_array_elements(v_move -> 'inputs') with ordinality as input (item, place)
    cross join jsonb_to_record(
      case when input.item = '{"field": "reason"}' then c_reason else input.item end
    ) as said (
      field text, type text, required boolean, min numeric, max numeric, max_length integer,
      placeholder text, prefill text, input_type text, is_secret boolean, kind text
    )
    where said.kind is null or f.id in (select private.draft_flows(said.kind));
    insert into private.flow_messages (
      flow_id, transition, position, message_type, audience, text, title, subtitle, quote,
      buttons, notification
    )
    select
      f.id, v_move ->> 'name', message.place, said.type, said."to", said.text, said.title,
      said.subtitle, said.quote, said.buttons, said.notification
    from private.draft_flows(coalesce(v_move ->> 'kind', p_kinds)) as f (id)
    cross join jsonb_array_elements(v_move -> 'messages') with ordinality as message (item, place)
    cross join jsonb_to_record(message.item) as said (
      type text, "to" text, text text, title text, subtitle text, quote text, buttons jsonb,
      notification text, kind text
    )
    where said.kind is null or f.id in (select private.draft_flows(said.kind));
  end loop;
end;
$$;

-- Ends the call at a misspelt key, which would otherwise be a silent default.
--
-- Errors: 22023.
create or replace function private.refuse_unknown_keys(
  p_place text,
  p_items jsonb,
  p_known text[]
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_key text;
begin
  select key.name into v_key
  from jsonb_array_elements(p_items) as item
  cross join jsonb_object_keys(item.value) as key (name)
  where key.name <> all (p_known)
  limit 1;
  if found then
    raise exception 'nobody reads the key % of %', v_key, p_place
      using errcode = 'invalid_parameter_value';
  end if;
end;
$$;

-- source: 40_flow/draw_screen.sql sha256:e7390d3a7191de95b7ff760b8a77b3f32fa1720060b4e41e19a0a2424e06f4df
-- The actions on a party's screen in a state of a flow, independent of a deal, in the order of the
-- screen: `{action, text, style, drawn, data, fields, schema, offer, button, form, ways, fills}`
-- each.
--
-- offer, button and form are as private.draw_action returns them. ways are the guards of an
-- action's rows, `is_awaited,has_quote|is_closer`; without ways an action is always open. A guard
-- about the state that a row leads to names it: `was_there work_in_progress`. fills: it has
-- placeholders; fields and schema are null where they have some.
create or replace function private.draw_screen(p_flow_id bigint, p_state text, p_role text)
returns jsonb[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select
      private.draw_action(jsonb_build_object(
        'action', a.action, 'text', a.text, 'style', a.style, 'drawn', a.drawn, 'data', a.data,
        'fields', form.fields, 'schema', form.schema
      ))
      || case when rows_of.is_free then '{}' else jsonb_build_object('ways', rows_of.ways) end
      || case when typed.is_filled or a.text like '%{%' or a.data::text like '%"{%'
        then '{"fills": true}'
        else '{}'
      end::jsonb
    from private.flow_actions as a
    cross join lateral (
      select
        bool_or(t.guards = '{}') as is_free,
        string_agg(
          array_to_string(
            array_replace(t.guards, 'was_there', 'was_there ' || t.to_state), ','
          ),
          '|' order by t.position
        ) as ways
      from private.flow_transitions as t
      where t.flow_id = a.flow_id and t.from_state = a.state and t.role = a.role
        and t.action = a.action
    ) as rows_of
    cross join lateral (
      select exists (
        select from private.flow_inputs as i
        where i.flow_id = a.flow_id
          and i.action = a.action
          and concat(i.placeholder, i.prefill) like '%{%'
      ) as is_filled
    ) as typed
    cross join lateral (
      select
        case when not typed.is_filled then private.draw_fields(a.flow_id, a.action, '{}') end,
        case when not typed.is_filled then private.input_schema(a.flow_id, a.action, '{}') end
    ) as form (fields, schema)
    where a.flow_id = p_flow_id and a.state = p_state and a.role = p_role
      and rows_of.ways is not null
    order by a.position
  );
end;
$$;

-- An action of a screen in the forms that clients get.
--
-- For lists of actions: offer, the JSON text `{action, button_id, text, style, input, schema, cost,
-- deadline_at}` up to the value of deadline_at. For a message, without keys that have no value:
-- button, `{id, text, style, action, data, input_fields}`, with input_fields where its action needs
-- them; and form, `{input_field, input_fields, submit_button, submit_action, schema}`.
create or replace function private.draw_action(p_action jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return p_action || jsonb_build_object(
    'offer', left(jsonb_build_object(
      'action', p_action -> 'action',
      'button_id', p_action -> 'action',
      'text', p_action -> 'text',
      'style', p_action -> 'style',
      'input', p_action -> 'fields' -> 0,
      'schema', p_action -> 'schema',
      -- Only messages cost points; a step of a deal is free.
      'cost', 0
    )::text, -1) || ', "deadline_at": ',
    'button', jsonb_strip_nulls(jsonb_build_object(
      'id', p_action -> 'action',
      'text', p_action -> 'text',
      'style', p_action -> 'style',
      'action', p_action -> 'action',
      'data', p_action -> 'data',
      'input_fields', case
        when p_action #> '{schema,required}' <> '[]' then p_action -> 'fields'
      end
    )),
    'form', jsonb_strip_nulls(jsonb_build_object(
      'input_field', p_action -> 'fields' -> 0,
      'input_fields', p_action -> 'fields',
      'submit_button', jsonb_build_object(
        'text', p_action -> 'text', 'style', p_action -> 'style'
      ),
      'submit_action', p_action -> 'action',
      'schema', p_action -> 'schema'
    ))
  );
end;
$$;

-- Keeps the screens of a flow, so that private.open_actions need not draw them.
--
-- Writes: flow_screens.
create or replace function private.keep_screens(p_flow_id bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.flow_screens (flow_id, state, role, actions, guards, rules, is_fixed)
  select
    p_flow_id, party.state, party.role, drawn.actions, asked.guards, party.rules,
    asked.guards = '{}' and not to_jsonb(drawn.actions) @? '$[*].fills'
  from (
    select s.state, r.role, f.rules
    from private.flow_definitions as f
    join private.flow_states as s on s.flow_id = f.id
    cross join (values ('influencer'), ('brand_owner'), ('member')) as r (role)
    where f.id = p_flow_id
  ) as party
  cross join lateral (
    select private.draw_screen(p_flow_id, party.state, party.role)
  ) as drawn (actions)
  cross join lateral (
    select array(
      select distinct guard.name
      from unnest(drawn.actions) as a (action)
      cross join regexp_split_to_table(a.action ->> 'ways', '[,|]') as guard (name)
      where guard.name <> ''
      order by guard.name
    )
  ) as asked (guards);
end;
$$;

-- The fields of an action as clients draw them, in order.
create or replace function private.draw_fields(p_flow_id bigint, p_action text, p_values jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_agg(private.input_field_json(i, p_values) order by i.position, i.field), '[]'
    )
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.action = p_action
  );
end;
$$;

-- A field of an action's input as clients draw it, filled in with the values of its placeholders.
--
-- Returns: `{id, type, placeholder, required, min, max, maxLength, input_type, value}`, null where
-- there is none. type is HTML's (text, textarea, email, number, file); value is the field's first
-- content.
create or replace function private.input_field_json(
  p_input private.flow_inputs,
  p_values jsonb default '{}'
)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_input constant private.flow_inputs := private.complete_limits(p_input);
begin
  return jsonb_build_object(
    'id', v_input.field,
    'type', case when v_input.type in ('price', 'integer') then 'number' else v_input.type end,
    'placeholder', private.fill_template(v_input.placeholder, p_values),
    'required', v_input.required,
    'min', v_input.min,
    'max', v_input.max,
    'maxLength', v_input.max_length,
    'input_type', v_input.input_type,
    'value', nullif(private.fill_template(v_input.prefill, p_values), '')
  );
end;
$$;

-- The input of an action as a JSON Schema (draft 2020-12), for forms that build themselves.
--
-- private.check_input accepts more (a price as a text, null for no value) and also refuses blank
-- texts, control characters, a third decimal of a price, and numbers that JSON clients cannot hold
-- exactly.
create or replace function private.input_schema(
  p_flow_id bigint,
  p_action text,
  p_values jsonb default '{}'
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_properties jsonb := '{}'::jsonb;
  v_required jsonb := '[]'::jsonb;
  v_field private.flow_inputs;
begin
  for v_field in
    select i.* from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.action = p_action
    order by i.position, i.field
  loop
    v_field := private.complete_limits(v_field);
    v_properties := v_properties || jsonb_build_object(
      v_field.field, jsonb_strip_nulls(jsonb_build_object(
        'type', case
          when v_field.type = 'price' then 'number'
          when v_field.type in ('number', 'integer') then v_field.type
          when v_field.type = 'file' then 'array'
          else 'string'
        end,
        'maxItems', case when v_field.type = 'file' then 10 end,
        'items', case when v_field.type = 'file' then '{"type": "object"}'::jsonb end,
        'format', case when v_field.type = 'email' then 'email' end,
        'description', nullif(private.fill_template(v_field.placeholder, p_values), ''),
        'minimum', v_field.min,
        'maximum', v_field.max,
        'minLength', case when v_field.required and v_field.max_length is not null then 1 end,
        'maxLength', v_field.max_length
      ))
    );
    if v_field.required then
      v_required := v_required || to_jsonb(v_field.field);
    end if;
  end loop;
  return jsonb_build_object(
    'type', 'object',
    'properties', v_properties,
    'required', v_required,
    'additionalProperties', true
  );
end;
$$;

-- source: 40_flow/failed_guards.sql sha256:3a2bc7c15e7ca2603cc284f640ce8814c360fc4cc467b523a40b95b26c75b5e5
-- The guards of the flow: the condition of each, its meaning for the proof, and the refusal of a
-- step for which it does not hold.
--
-- certainty: the proof's search decides `known`; `chosen` holds whenever the actor wants it to (a
-- price left out matches); `counted` holds until the actor has used up an allowance
-- (private.flow_allowances); `open` may hold or not (deadlines, blocks and amounts), so nothing
-- that must be possible may depend on it. undoes: the guard lets an actor take back their own step,
-- which is no progress. code and sentence: the refusal; private.refuse_guard adds the details.
-- says: the guard in words, for docs/FLOW.md.
create or replace view private.flow_guards as
select g.name, g.certainty, g.undoes, g.code, g.sentence, g.says
from (
  values
    -- The turn
    ('is_awaited', 'known', false, 'GUARD_FAILED', null, 'It is the actor''s turn.'),
    ('is_requester', 'known', true, 'GUARD_FAILED', null,
      'The actor asked for the cancellation.'),
    ('is_opener', 'known', true, 'GUARD_FAILED', null,
      'The actor opened the dispute; nobody did when the bank or an operator opened it.'),
    ('is_closer', 'open', true, 'GUARD_FAILED', null, 'The actor closed the conversation.'),
    ('is_unblocked', 'open', false, 'GUARD_FAILED', null, 'Neither side blocks the other.'),

    -- Prices
    ('has_quote', 'known', false, 'GUARD_FAILED', null, 'The application carries a quote.'),
    ('has_counter', 'known', false, 'GUARD_FAILED', null, 'A counter offer is on the table.'),
    ('offer_matches', 'chosen', false, 'PRICE_CHANGED', 'The price has changed.',
      'The price that the actor saw is the standing offer, or the actor named none.'),
    ('counter_matches', 'chosen', false, 'PRICE_CHANGED', 'The price has changed.',
      'The price that the actor saw is the counter offer, or the actor named none.'),
    ('quote_matches', 'chosen', false, 'PRICE_CHANGED', 'The price has changed.',
      'The price that the actor saw is the quote, or the actor named none.'),

    -- Counts
    ('has_round_left', 'known', false, 'NEGOTIATION_LIMIT',
      'There is no further round: accept, keep your price, or end here.',
      'The brand owner may name one more price.'),
    ('is_earlier_round', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for a price after which another may follow.'),
    ('is_last_round', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for the last price that the brand owner may name.'),
    ('has_return_left', 'counted', true, 'GUARD_FAILED', null,
      'The actor may go back from typing a price once more.'),
    ('has_question_left', 'counted', false, 'GUARD_FAILED', null,
      'The details may be questioned once more.'),
    ('has_revision_left', 'known', false, 'REVISION_LIMIT',
      'No more changes can be asked for: approve, or open a dispute.',
      'One more revision may be asked for.'),
    ('has_withdrawal_left', 'counted', true, 'GUARD_FAILED', null,
      'The influencer may take back one more submission.'),
    ('has_extension_left', 'counted', false, 'GUARD_FAILED',
      'You have asked for more time as often as this deal allows.',
      'The influencer may ask for more time once more.'),
    ('has_cancellation_left', 'counted', false, 'GUARD_FAILED',
      'You have asked to cancel as often as this deal allows.',
      'The actor may ask to cancel once more.'),
    ('has_dispute_left', 'counted', false, 'GUARD_FAILED',
      'You have opened as many disputes as this deal allows.',
      'The actor may open one more dispute.'),
    ('has_closing_left', 'counted', false, 'GUARD_FAILED',
      'You have closed this chat too often today.',
      'The actor closed the chat less often in the last 24 hours than is allowed.'),
    ('has_reopening_left', 'counted', true, 'GUARD_FAILED',
      'You have opened this chat again too often today.',
      'The actor opened the chat again less often in the last 24 hours than is allowed.'),

    -- The work
    ('has_extension', 'known', false, 'GUARD_FAILED', null,
      'The influencer asked for more time and has no answer yet.'),
    ('has_submission', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for a deal in which work was submitted and not taken back.'),
    ('has_no_submission', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row for a deal in which no work was submitted, or all was taken back.'),
    ('is_overdue', 'open', false, 'GUARD_FAILED', null,
      'The delivery is late by more than the days of grace.'),
    ('was_there', 'known', false, 'GUARD_FAILED', null,
      'Chooses the row that leads back to where the conversation was before the pause.'),
    ('is_unrated', 'counted', false, 'GUARD_FAILED', null,
      'The actor has not rated this collaboration yet.'),
    ('may_rate', 'open', false, 'GUARD_FAILED', 'The time for ratings is over.',
      'The work was approved, no rating has been shown, and the chat is open or was closed less '
      'than rating_days ago.'),

    -- The money
    ('has_order', 'known', false, 'GUARD_FAILED', null,
      'A payment was asked for in this conversation.'),
    ('capture_matches', 'open', false, 'GUARD_FAILED', null,
      'The payment has the amount and the currency of the open order.'),
    ('is_new_payment', 'open', false, 'GUARD_FAILED', null, 'No book has this payment yet.'),
    ('nothing_captured', 'known', false, 'FUNDS_HELD',
      'Money was paid for this deal: it cannot just end.',
      'No money of this deal has come in.'),
    ('is_bank_dispute', 'known', false, 'GUARD_FAILED', null, 'The bank opened the dispute.')
) as g (name, certainty, undoes, code, sentence, says);

-- The guards of a list that do not hold for a step. It implements every guard.
--
-- Args: the step; the names of the guards, one about a state with its name (`was_there
-- work_in_progress`) or without; the state that the row with the guards leads to. Guards read the
-- conversation as it was before the step, and the step's input.
-- Errors: 20000 (case_not_found) for an unknown name; publishing refuses it.
create or replace function private.failed_guards(
  p_step private.flow_step,
  p_guards text[],
  p_to_state text default null
)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
declare
  v_was constant private.conversations := p_step.before;
  v_data constant jsonb := v_was.flow_data;
  v_rules constant jsonb := p_step.rules;
  v_asked text;
  v_guard text;
  v_to_state text;
  v_what text;
  v_holds boolean;
  v_failed text[] := array[]::text[];
begin
  foreach v_asked in array p_guards loop
    v_guard := v_asked;
    v_to_state := p_to_state;
    if position(' ' in v_asked) > 0 then
      v_guard := split_part(v_asked, ' ', 1);
      v_to_state := split_part(v_asked, ' ', 2);
    end if;
    case v_guard
      when 'is_awaited' then
        v_holds := v_was.awaiting_role = p_step.role;
      -- Whether a side has not reached the rule max_<what>.
      when
        'has_return_left', 'has_withdrawal_left', 'has_extension_left', 'has_cancellation_left',
        'has_dispute_left'
      then
        v_what := replace(substr(v_guard, 5), '_left', 's');
        v_holds := coalesce((v_data #>> array['used', p_step.role, v_what])::integer, 0)
          < (v_rules ->> ('max_' || v_what))::numeric;
      when 'is_requester' then
        v_holds := v_data #>> '{cancellation,by}' = p_step.role;
      when 'is_opener' then
        v_holds := v_data #>> '{dispute,opened_by}' = p_step.role
          and v_data #>> '{dispute,origin}' = 'party';
      when 'is_closer' then
        v_holds := v_was.closed_by = p_step.actor_id;
      when 'is_unblocked' then
        v_holds := not private.is_blocked(v_was.user_a, v_was.user_b);

      when 'has_quote', 'has_counter' then
        v_holds := v_data ? (substr(v_guard, 5) || '_minor');
      -- The price that the actor saw; without one the actor agrees to the present price.
      when 'offer_matches', 'counter_matches', 'quote_matches' then
        v_holds := coalesce(
          (p_step.input -> 'price_minor')::bigint
            = (v_data -> (split_part(v_guard, '_', 1) || '_minor'))::bigint,
          true
        );

      when 'has_round_left' then
        v_holds := private.flow_count(v_data, 'negotiation_round')
          < (v_rules ->> 'max_rounds')::numeric;
      when 'is_earlier_round', 'is_last_round' then
        v_holds := (v_guard = 'is_last_round') = (
          private.flow_count(v_data, 'negotiation_round') + 1
            >= (v_rules ->> 'max_rounds')::numeric
        );
      when 'has_question_left' then
        v_holds := private.flow_count(v_data, 'questions')
          < (v_rules ->> 'max_questions')::numeric;
      when 'has_revision_left' then
        v_holds := private.flow_count(v_data, 'revision_count')
          < (v_rules ->> 'max_revisions')::numeric;
      when 'has_closing_left' then
        v_holds := private.count_today(p_step, 'real_time', 'chat_closed')
          < (v_rules ->> 'max_closings_a_day')::numeric;
      when 'has_reopening_left' then
        v_holds := private.count_today(p_step, 'chat_closed', 'real_time')
          < (v_rules ->> 'max_closings_a_day')::numeric;

      when 'has_submission', 'has_no_submission' then
        v_holds := (v_guard = 'has_submission') = coalesce(v_was.work_submitted, false);
      when 'has_extension' then
        v_holds := v_data ? 'extension';
      when 'is_overdue' then
        v_holds := p_step.at > v_was.delivery_due_at
          + (v_rules ->> 'overdue_grace_days')::numeric * interval '24 hours';
      when 'was_there' then
        v_holds := v_data #>> '{resume,state}' = v_to_state;
      when 'is_unrated' then
        v_holds := not exists (
          select from private.ratings as r
          where r.conversation_id = v_was.id and r.rater_id = p_step.actor_id
        );
      when 'may_rate' then
        v_holds := private.may_rate(v_was, v_rules, p_step.at);

      when 'has_order' then
        v_holds := exists (
          select from private.payment_orders as o where o.conversation_id = v_was.id
        );
      when 'capture_matches' then
        v_holds := exists (
          select from private.payment_orders as o
          where o.conversation_id = v_was.id
            and o.status = 'open'
            and o.amount_minor = (p_step.input -> 'amount_minor')::bigint
            and o.currency = p_step.input ->> 'currency'
        );
      when 'is_new_payment' then
        v_holds := not exists (
          select from private.escrow_ledger as e
          where e.from_account = 'gateway' and e.payment_id = p_step.input ->> 'payment_id'
        );
      when 'nothing_captured' then
        v_holds := coalesce(v_was.captured_minor, 0) = 0;
      when 'is_bank_dispute' then
        v_holds := v_data #>> '{dispute,origin}' = 'bank';

      else raise exception 'there is no guard %', v_guard using errcode = 'case_not_found';
    end case;
    if v_holds is not true then
      v_failed := v_failed || v_asked;
    end if;
  end loop;
  return v_failed;
end;
$$;

-- How often the actor led the conversation from one state to another in the last 24 hours.
create or replace function private.count_today(
  p_step private.flow_step,
  p_from_state text,
  p_to_state text
)
returns integer
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select count(*)
    from public.conversation_events as e
    where e.conversation_id = (p_step.before).id
      and e.actor_id = p_step.actor_id
      and e.from_state = p_from_state
      and e.to_state = p_to_state
      and e.effective_at > p_step.at - interval '24 hours'
  );
end;
$$;

-- Whether a deal may be rated at a time: its work was approved, no rating has been shown because
-- the other side gave none, and the chat is open or was closed less than rating_days ago.
create or replace function private.may_rate(
  p_conversation private.conversations,
  p_rules jsonb,
  p_at timestamptz
)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_since constant timestamptz := p_at
    - (p_rules ->> 'rating_days')::numeric * interval '24 hours';
begin
  return p_conversation.work_status = 'approved'
    and (p_conversation.chat_status <> 'closed' or p_conversation.entered_at > v_since)
    and not exists (
      select from private.ratings as r
      where r.conversation_id = p_conversation.id and r.created_at <= v_since
    );
end;
$$;

-- Ends the call because a guard does not hold.
--
-- Errors: PRICE_CHANGED (409) `{price, current_state, action}`, NEGOTIATION_LIMIT (409)
-- `{max_rounds, current_state, action}`, REVISION_LIMIT (409) `{max_revisions, current_state,
-- action}`, FUNDS_HELD (409) `{current_state, action}`, GUARD_FAILED (409) `{guard, current_state,
-- action}`.
create or replace function private.refuse_guard(p_step private.flow_step, p_guard text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  -- The log counts refused steps by these.
  v_where constant jsonb := jsonb_build_object(
    'current_state', (p_step.conversation).flow_state, 'action', p_step.action
  );
  v_guard private.flow_guards;
begin
  select g.* into strict v_guard from private.flow_guards as g where g.name = p_guard;
  case v_guard.code
    when 'PRICE_CHANGED' then
      perform private.raise_error(
        'PRICE_CHANGED', v_guard.sentence,
        jsonb_build_object(
          -- offer_matches compares with flow_data.offer
          'price', (p_step.conversation).flow_data -> split_part(p_guard, '_', 1)
        ) || v_where,
        p_status => 409, p_hint => 'Show the user this price and ask again.'
      );
    when 'NEGOTIATION_LIMIT' then
      perform private.raise_error(
        'NEGOTIATION_LIMIT', v_guard.sentence,
        jsonb_build_object('max_rounds', p_step.rules -> 'max_rounds') || v_where,
        p_status => 409
      );
    when 'REVISION_LIMIT' then
      perform private.raise_error(
        'REVISION_LIMIT', v_guard.sentence,
        jsonb_build_object('max_revisions', p_step.rules -> 'max_revisions') || v_where,
        p_status => 409
      );
    when 'FUNDS_HELD' then
      perform private.raise_error('FUNDS_HELD', v_guard.sentence, v_where, 409);
    else
      perform private.raise_error(
        'GUARD_FAILED', coalesce(v_guard.sentence, 'This is not possible now.'),
        jsonb_build_object('guard', p_guard) || v_where, p_status => 409,
        p_hint => 'Call get_available_actions to see what can be done now.'
      );
  end case;
end;
$$;

-- source: 40_flow/flow_count.sql sha256:267c7920c8db0cfbdd6c62dbd4e086cc6f3d8d23693750647f449a444c99622d
-- Small readers of a conversation, for guards, effects and texts.

-- A counter in flow_data; 0 before it is first counted.
create or replace function private.flow_count(p_flow_data jsonb, p_key text)
returns integer
language sql
immutable
as $$
  select coalesce((p_flow_data ->> p_key)::integer, 0);
$$;

-- flow_data with one more use, by a side, of the counter that a rule max_<what> limits.
create or replace function private.count_use(p_flow_data jsonb, p_role text, p_what text)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_used constant jsonb := coalesce(p_flow_data -> 'used', '{}');
begin
  return p_flow_data || jsonb_build_object(
    'used', v_used || jsonb_build_object(
      p_role, coalesce(v_used -> p_role, '{}') || jsonb_build_object(
        p_what, private.flow_count(v_used -> p_role, p_what) + 1
      )
    )
  );
end;
$$;

-- The role of the other party; null for the system and for operators.
create or replace function private.other_role(p_role text)
returns text
language sql
immutable
as $$
  select case p_role
    when 'influencer' then 'brand_owner'
    when 'brand_owner' then 'influencer'
    when 'member' then 'member'
  end;
$$;

-- The role of a member in a conversation: influencer, brand_owner, or member of a direct chat.
create or replace function private.role_in(
  p_conversation private.conversations,
  p_user_id uuid
)
returns text
language sql
immutable
as $$
  select case p_user_id
    when p_conversation.influencer_id then 'influencer'
    when p_conversation.brand_owner_id then 'brand_owner'
    else 'member'
  end;
$$;

-- source: 40_flow/flow_effects.sql sha256:2fc63685e667c22b77d2faf0814b37e8e97eada1995a6b3f037c3dcadeb13ae5
-- The effects of the flow: what each does, and the state of the deal's money before and after it:
-- `none`, `held`, `refunding` or `settled`; null where an effect moves none. gives_time: after it
-- the awaited side has the state's whole time, although the deadline counts from an earlier moment.
create or replace view private.flow_effects as
select
  e.name, e.money_before, e.money_after,
  e.name in ('start_work', 'request_revision', 'resume') as gives_time,
  e.says
from (
  values
    -- private.affect_requests
    ('close', null, null, 'Records why and by whom the conversation was closed, closes the '
      'application and cancels the open payment order.'),
    ('reopen', null, null, 'Forgets why and by whom the conversation was closed.'),
    ('accept_request', null, null, 'Accepts the application.'),
    ('reject_request', null, null, 'Rejects the application.'),
    ('keep_details', null, null, 'Stores the project details and counts their versions.'),
    ('count_question', null, null, 'Counts a question about the project details.'),

    -- private.affect_offers
    ('make_offer', null, null,
      'Records the brand owner''s price as the standing offer of a new round; drops the counter '
      'offer.'),
    ('make_counter', null, null, 'Records the influencer''s price as the counter offer.'),
    ('hold_offer', null, null, 'Records the standing offer as the final one.'),
    ('finalize_offer', null, null,
      'Marks the offer that is made in this step as the final one; comes before make_offer.'),
    ('agree_on_offer', null, null, 'Fixes the standing offer as the agreed price.'),
    ('agree_on_counter', null, null, 'Fixes the counter offer as the agreed price.'),
    ('agree_on_quote', null, null, 'Fixes the quote of the application as the agreed price.'),
    ('count_return', null, null, 'Counts that the actor went back from typing a price.'),

    -- private.affect_money
    ('open_order', null, null,
      'Opens the payment order for the agreed amount, or takes the one that is open.'),
    ('note_attempt', null, null,
      'Records a payment attempt, so that the time limit waits for what may still come.'),
    ('hold_funds', 'none', 'held', 'Books the payment as held.'),
    ('bounce_payment', null, null,
      'Books the payment as bounced and requests its whole refund; it never counts as held.'),
    ('release_funds', 'held', 'settled',
      'Releases what is held to the influencer, less the fee, and creates the payout.'),
    ('request_refund', 'held', 'refunding', 'Requests a refund of all that is held.'),
    ('request_agreed_refund', 'held', 'refunding',
      'Requests the refund that both sides agreed on; none named means all.'),
    ('request_split_refund', 'held', 'refunding',
      'Requests the part that the operator decided on.'),
    ('retry_refund', null, null, 'Counts the failed attempt; the refund stays requested.'),
    ('settle_refund', 'refunding', 'settled',
      'Books the refund as sent, and releases the rest to the influencer, less the fee.'),
    ('charge_back', 'held', 'settled', 'Books what was held as taken back by the bank.'),

    -- private.affect_work
    ('start_work', null, null, 'Sets the day on which the delivery is due.'),
    ('store_submission', null, null, 'Stores the submission with the next number.'),
    ('withdraw_submission', null, null,
      'Withdraws the newest submission; an earlier one counts again.'),
    ('request_revision', null, null,
      'Counts a revision, marks the submission and gives the delivery the time of a revision.'),
    ('approve_work', null, null, 'Approves the newest submission.'),
    ('propose_extension', null, null, 'Stores the days that the influencer asks for.'),
    ('accept_extension', null, null,
      'Moves the delivery by the days asked for, and the time limit of the work with it.'),
    ('drop_extension', null, null, 'Clears the pending extension request.'),
    ('keep_rating', null, null, 'Stores the actor''s rating, hidden from the other side.'),

    -- private.affect_disputes
    ('propose_cancellation', null, null,
      'Stores who asks to cancel and for which refund, and where the deal was.'),
    ('drop_cancellation', null, null, 'Clears the pending cancellation request.'),
    ('resume', null, null,
      'Takes the deal back to where it was before the pause, with the time that it took, unless it '
      'was asked for by the party whose time it is.'),
    ('open_dispute', null, null, 'Opens a dispute, stops the clocks and places a legal hold.'),
    ('escalate', null, null,
      'Opens a dispute that nobody asked for, because a time limit passed.'),
    ('close_dispute', null, null,
      'Closes the dispute with this action as its verdict and lifts the legal hold.'),
    ('raise_alert', null, null, 'Alerts the operators.')
) as e (name, money_before, money_after, says);

-- source: 40_flow/open_actions.sql sha256:8db89705de3d4004e574c9393de9c3aa24a7e70a6eecb296df43b72d3a806414
-- The open actions of a party now, in the order of the screen: those of private.draw_screen, with
-- values for placeholders. Paying is not offered while a payment that the bank has approved is
-- being confirmed.
--
-- Args: the conversation as it is now; the user; the user's role in it.
create or replace function private.open_actions(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text
)
returns jsonb[]
language plpgsql
stable
set search_path = ''
as $$
declare
  v_screen private.flow_screens;
  v_step private.flow_step;
  v_failed text[] := array[]::text[];
  v_values jsonb;
  v_action jsonb;
  v_way text;
  v_is_open boolean;
  v_actions jsonb[] := array[]::jsonb[];
begin
  select s.* into v_screen
  from private.flow_screens as s
  where s.flow_id = p_conversation.flow_id
    and s.state = p_conversation.flow_state
    and s.role = p_role;
  if v_screen.is_fixed is not false then
    return coalesce(v_screen.actions, v_actions);
  end if;
  if v_screen.guards <> '{}' then
    v_step.rules := v_screen.rules;
    v_step.before := p_conversation;
    v_step.actor_id := p_actor_id;
    v_step.role := p_role;
    v_step.at := now();
    v_failed := private.failed_guards(v_step, v_screen.guards);
  end if;
  foreach v_action in array v_screen.actions loop
    v_is_open := v_failed = '{}' or not v_action ? 'ways';
    if not v_is_open then
      foreach v_way in array string_to_array(v_action ->> 'ways', '|') loop
        v_is_open := not string_to_array(v_way, ',') && v_failed;
        exit when v_is_open;
      end loop;
    end if;
    continue when not v_is_open or v_action ->> 'action' = 'proceed_to_payment'
      and private.awaits_capture(p_conversation.id);
    if v_action ? 'fills' then
      v_values := coalesce(v_values, private.deal_values(p_conversation));
      v_action := private.fill_action(v_action, p_conversation.flow_id, v_values);
    end if;
    v_actions := v_actions || v_action;
  end loop;
  return v_actions;
end;
$$;

-- An action of a screen with the values of its placeholders.
create or replace function private.fill_action(p_action jsonb, p_flow_id bigint, p_values jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_action jsonb := p_action || jsonb_build_object(
    'text', private.fill_template(p_action ->> 'text', p_values),
    -- A value in a button keeps its type: a number does not become a text.
    'data', (
      select jsonb_object_agg(d.key, coalesce(p_values -> btrim(d.value, '{}'), 'null'))
      from jsonb_each_text(nullif(p_action -> 'data', 'null')) as d
    )
  );
begin
  if v_action -> 'schema' = 'null' then
    v_action := v_action || jsonb_build_object(
      'fields', private.draw_fields(p_flow_id, v_action ->> 'action', p_values),
      'schema', private.input_schema(p_flow_id, v_action ->> 'action', p_values)
    );
  end if;
  return private.draw_action(v_action);
end;
$$;

-- The open actions of a party now, in the shape that clients get: `[{action, button_id, text,
-- style, input, schema, cost, deadline_at}]`; input is the action's first field, or null.
create or replace function private.actions_json(
  p_conversation private.conversations,
  p_user_id uuid,
  p_role text
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_end constant text := coalesce(to_json(p_conversation.deadline_at)::text, 'null') || '}';
  v_action jsonb;
  v_offers text := text '';
begin
  foreach v_action in array private.open_actions(p_conversation, p_user_id, p_role) loop
    v_offers := v_offers || case v_offers when '' then '' else ', ' end
      || (v_action ->> 'offer') || v_end;
  end loop;
  return ('[' || v_offers || ']')::json;
end;
$$;

-- source: 40_flow/open_alert.sql sha256:f5aef69c617ec7168e63a3f7158842856c655c9edfde5a6d60d983fa8ab38f4a
-- Puts an alert on the operators' list; the same cause again counts up the open alert.
--
-- Args: kind; info, warning or critical; a key that equal causes share; the conversation; details;
-- the event that caused it; Razorpay's order and payment.
-- Writes: alerts.
create or replace function private.open_alert(
  p_kind text,
  p_severity text,
  p_key text,
  p_conversation_id uuid,
  p_details jsonb,
  p_event_row_id bigint default null,
  p_razorpay_order_id text default null,
  p_razorpay_payment_id text default null
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.alerts as a (
    kind, severity, key, conversation_id, details, event_row_id, razorpay_order_id,
    razorpay_payment_id
  )
  values (
    p_kind, p_severity, p_key, p_conversation_id, p_details, p_event_row_id, p_razorpay_order_id,
    p_razorpay_payment_id
  )
  on conflict (key) where status = 'open' do update
  set
    seen = a.seen + 1,
    last_seen_at = clock_timestamp(),
    details = excluded.details,
    event_row_id = coalesce(excluded.event_row_id, a.event_row_id);
end;
$$;

-- source: 40_flow/read_price.sql sha256:48dfceacd1211e77be3d374a4db845d820d5299ed1cf3f4e3850ba76fbecfc7c
-- The rupees that a person typed, in one of the notations of Indian prices; any size.
--
-- A number with or without thousands commas (5,00,000 or 500,000) and at most two decimals; behind
-- it k or thousand, l, lac or lakh, cr or crore (also lacs, lakhs, crores) if wanted; with ₹, ₨,
-- Rs, Rs., INR or rupees on either side, and /- or only at the end. Capitals and spaces do not
-- matter, but a space inside a number makes it two. Digits of every Indian script, Arabic ones and
-- full-width ones count as digits, in a text that has no others. Everything else is refused, never
-- guessed.
--
-- Errors: PRICE_UNPARSEABLE (422) `{understood}`: the first number in the text, or null.
create or replace function private.read_price(p_text text)
returns numeric
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Far longer than any price; the rest is not read.
  c_max_text constant integer := 5000;
  c_max_price constant integer := 64;
  -- Typed and pasted spaces, and the marks that phones put around numbers.
  c_space constant text := '[[:space:]\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+';
  c_sign constant text := '(?:₹|₨|rs\.?|inr|rupees?)';
  c_number constant text := '(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+'
    '|[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3})(?:\.[0-9]{1,2})?';
  c_price constant text := '^(?:' || c_sign || ' ?)*(' || c_number
    || ') ?(k|thousand|l|la(?:kh|c)s?|cr(?:ores?)?)? ?(?:(?:' || c_sign || '|/-|only) ?)*$';
  -- The digit 0 of Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada,
  -- Malayalam, Arabic, Urdu, Ol Chiki, Meetei Mayek, and of full width; the others follow it.
  c_zeros constant text := '०০੦૦୦௦౦೦൦٠۰᱐꯰０';
  v_text text := regexp_replace(left(p_text, c_max_text), c_space, ' ', 'g');
  v_zero integer;
  v_parts text[];
begin
  v_text := btrim(lower(v_text collate "C"));
  if v_text !~ '[0-9]' and octet_length(v_text) > char_length(v_text) then
    select ascii(z.zero) into v_zero
    from regexp_split_to_table(c_zeros, '') as z (zero)
    where v_text ~ ('[' || z.zero || '-' || chr(ascii(z.zero) + 9) || ']')
    order by position(z.zero in c_zeros)
    limit 1;
    v_text := translate(
      v_text,
      (select string_agg(chr(v_zero + n), '' order by n) from generate_series(0, 9) as n),
      '0123456789'
    );
  end if;
  if char_length(p_text) <= c_max_text and char_length(v_text) <= c_max_price then
    v_parts := regexp_match(v_text, c_price);
  end if;
  if v_parts is null then
    perform private.raise_error(
      'PRICE_UNPARSEABLE',
      'This is no price: write one number of rupees, such as 5000, 5,00,000, 5k or 1.5 lakh.',
      jsonb_build_object(
        'understood', left(substring(v_text from '[0-9](?:[0-9,.]*[0-9])?'), 20)
      ),
      p_status => 422
    );
  end if;
  return replace(v_parts[1], ',', '')::numeric * case left(v_parts[2], 1)
    when 'k' then 1000
    when 't' then 1000
    when 'l' then 100000
    when 'c' then 10000000
    else 1
  end;
end;
$$;

-- source: 40_flow/record_step.sql sha256:31c43318d566181f9b21752fcebd2bc2d55d658580efc5e1bb463d868c9ecbe5
-- Stores one taken row of the flow: the conversation, its completed action messages, its new
-- messages, and its line in the history.
--
-- Args: the step after its effects, with its messages; the row; how many of its messages are stored
-- already. Returns the stored step.
-- Locks: the conversation's row must be locked already.
-- Writes: conversations, messages, and as private.append_event.
create or replace function private.record_step(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_said integer
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation private.conversations := p_step.conversation;
  v_messages public.messages[] := p_step.messages[p_said + 1:];
  v_message public.messages;
  v_stays constant boolean := p_row.to_state = p_row.from_state;
  v_renewed text[];
  v_is_done boolean := false;
begin
  -- Leaving a state completes every open action message. A step that stays in its state completes
  -- the messages of readers who get a new one now. When the taken action cannot be taken again, it
  -- also completes the message that offered it.
  if v_stays then
    v_renewed := array(
      select m.visible_to from unnest(v_messages) as m where m.action_required
    );
    v_is_done := p_step.actor_id is not null and not exists (
      select
      from unnest(
        private.open_actions(v_conversation, p_step.actor_id, p_step.role)
      ) as a (action)
      where a.action ->> 'action' = p_step.action
    );
  end if;
  update public.messages as m
  set
    action_completed = true,
    -- The payer's data for the checkout is personal, and no longer needed.
    action_data = m.action_data #- '{payment_order,razorpay_config,prefill}' || jsonb_build_object(
      'completed_by', p_step.role, 'completed_action', p_step.action
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = v_conversation.id
    and m.action_required
    and not m.action_completed
    and (
      not v_stays
      or m.visible_to = any (v_renewed)
      or v_is_done and m.visible_to in (p_step.role, 'all')
        and m.action_data -> 'buttons' @> jsonb_build_array(
          jsonb_build_object('action', p_step.action)
        )
    );

  -- The newest action for the awaited party, without the parts that only that party may read.
  if v_conversation.awaiting_role is null then
    v_conversation.current_action_data := null;
  else
    foreach v_message in array v_messages loop
      if v_message.action_required and v_message.visible_to = v_conversation.awaiting_role then
        v_conversation.current_action_data := jsonb_build_object(
          'action_id', v_message.action_data -> 'action_id',
          'flow_state', v_message.action_data -> 'flow_state',
          'message_type', v_message.action_data -> 'message_type',
          'visible_to', v_message.action_data -> 'visible_to'
        );
      end if;
    end loop;
  end if;
  v_conversation.updated_at := clock_timestamp();
  update private.conversations as c
  set
    flow_state = v_conversation.flow_state,
    chat_status = v_conversation.chat_status,
    automation_enabled = v_conversation.automation_enabled,
    awaiting_role = v_conversation.awaiting_role,
    current_action_data = v_conversation.current_action_data,
    flow_data = v_conversation.flow_data,
    work_submission = v_conversation.work_submission,
    work_submitted = v_conversation.work_submitted,
    work_status = v_conversation.work_status,
    submission_date = v_conversation.submission_date,
    amount_minor = v_conversation.amount_minor,
    deadline_at = v_conversation.deadline_at,
    entered_at = v_conversation.entered_at,
    timed_at = v_conversation.timed_at,
    delivery_due_at = v_conversation.delivery_due_at,
    close_reason = v_conversation.close_reason,
    closed_by = v_conversation.closed_by,
    captured_minor = v_conversation.captured_minor,
    held_minor = v_conversation.held_minor,
    released_minor = v_conversation.released_minor,
    fee_minor = v_conversation.fee_minor,
    refunded_minor = v_conversation.refunded_minor,
    charged_back_minor = v_conversation.charged_back_minor,
    version = v_conversation.version,
    last_seq = v_conversation.last_seq,
    last_message_at = v_conversation.last_message_at,
    listed_at = date_bin(
      '1 hour', v_conversation.last_message_at, timestamptz '2000-01-01 00:00:00+00'
    ),
    updated_at = v_conversation.updated_at
  where c.id = v_conversation.id;

  if cardinality(v_messages) > 0 then
    insert into public.messages (
      conversation_id, seq, id, sender_id, receiver_id, message, attachments,
      message_type, visible_to, action_required, action_data, caused_by, created_at, updated_at
    )
    select
      n.conversation_id, n.seq, n.id, n.sender_id, n.receiver_id, n.message, n.attachments,
      n.message_type, n.visible_to, n.action_required, n.action_data, p_step.actor_id,
      n.created_at, n.created_at
    from unnest(v_messages) as n;
  end if;
  v_step.conversation := v_conversation;

  -- Both sides read it, so fields that the flow marks as secret are left out.
  perform private.append_event(
    v_step, p_row.from_state,
    jsonb_build_object(
      'transition', p_row.name,
      'reason', p_step.reason,
      'input', case p_step.input
        when '{}' then '{}'
        else p_step.input - array(
          select i.field
          from private.flow_inputs as i
          where i.flow_id = p_row.flow_id and i.action = p_row.action and i.is_secret
        )
      end
    )
  );
  return v_step;
end;
$$;

-- source: 40_flow/refuse_step.sql sha256:6ddac368e6fa23d1cbfe4bd390ff819045aeed0e73290669f05f206256f42c46
-- Refusals of a step: the flow has no row for it, or another actor must take it. A taken step runs
-- none of this.

-- Ends the call because the flow has no row for a step: no actor of this kind ever takes the
-- action, or not in this state, or only the other party takes it.
--
-- Errors: ACTION_UNKNOWN (422), CHAT_CLOSED (409), NOT_YOUR_TURN (409), FLOW_STATE_INVALID (409)
-- `{current_state, action, required_state, awaiting_role, allowed_actions}`.
create or replace function private.refuse_action(p_step private.flow_step)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  -- A party gets the actions of parties; the system and operators get those of their own kind.
  v_roles constant text[] := case
    when p_step.role in ('system', 'admin') then array[p_step.role]
    else array['influencer', 'brand_owner', 'member']
  end;
  v_required text[];
begin
  v_required := array(
    select t.from_state
    from private.flow_transitions as t
    join private.flow_states as s on s.flow_id = t.flow_id and s.state = t.from_state
    where t.flow_id = v_conversation.flow_id
      and t.action = p_step.action
      and t.role = any (v_roles)
      and t.from_state <> 'initial'
    group by t.from_state
    order by min(s.position)
  );
  if cardinality(v_required) = 0 then
    perform private.raise_error(
      'ACTION_UNKNOWN', 'There is no such action in this conversation.', p_status => 422,
      p_hint => 'Call get_available_actions to see what can be done now.'
    );
  end if;
  -- Closed for good: no row leads out again, though it may still be rated.
  if v_conversation.chat_status = 'closed' and not exists (
    select from private.flow_transitions as t
    where t.flow_id = v_conversation.flow_id
      and t.from_state = v_conversation.flow_state
      and t.role = any (v_roles)
      and (t.to_state <> t.from_state or t.role = 'system')
  ) then
    perform private.raise_chat_closed();
  end if;
  if v_conversation.flow_state = any (v_required) then
    perform private.raise_not_your_turn(v_conversation, p_step.action);
  end if;
  perform private.raise_state_invalid(
    v_conversation, p_step.actor_id, p_step.role, v_required, p_step.action
  );
end;
$$;

-- Ends the call because a guard about the turn does not hold: it is the other party's turn, or no
-- party's.
--
-- Errors: NOT_YOUR_TURN (409), GUARD_FAILED (409) `{guard, current_state, action}`.
create or replace function private.refuse_turn(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_guard text
)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_other private.flow_step := p_step;
begin
  v_other.role := private.other_role(p_step.role);
  if private.failed_guards(v_other, array[p_guard], p_row.to_state) = '{}' then
    perform private.raise_not_your_turn(p_step.conversation, p_step.action);
  end if;
  perform private.refuse_guard(p_step, p_guard);
end;
$$;

-- Ends the call because a conversation is closed.
--
-- Errors: CHAT_CLOSED (409).
create or replace function private.raise_chat_closed()
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error('CHAT_CLOSED', 'This conversation is closed.', p_status => 409);
end;
$$;

-- Ends the call because the action is the other party's.
--
-- Errors: NOT_YOUR_TURN (409) `{current_state, action, awaiting_role}`; action is null for a text.
create or replace function private.raise_not_your_turn(
  p_conversation private.conversations,
  p_action text default null
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform private.raise_error(
    'NOT_YOUR_TURN', 'This is for the other side to do.',
    jsonb_build_object(
      'current_state', p_conversation.flow_state,
      'action', p_action,
      'awaiting_role', p_conversation.awaiting_role
    ),
    p_status => 409, p_hint => 'Wait for conversation_state_changed.'
  );
end;
$$;

-- Ends the call because a conversation is in another state than the request needs.
--
-- Args: the conversation; the caller and the role; the states that allow it (a single one as text,
-- which older clients expect); the action, null for a text.
-- Errors: FLOW_STATE_INVALID (409) `{current_state, action, required_state, awaiting_role,
-- allowed_actions}`.
create or replace function private.raise_state_invalid(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text,
  p_required text[],
  p_action text default null
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform private.raise_error(
    'FLOW_STATE_INVALID',
    format('This cannot be done in the state "%s".', p_conversation.flow_state),
    jsonb_build_object(
      'current_state', p_conversation.flow_state,
      'action', p_action,
      'required_state', case
        when cardinality(p_required) = 1 then to_jsonb(p_required[1])
        else to_jsonb(p_required)
      end,
      'awaiting_role', p_conversation.awaiting_role,
      'allowed_actions', jsonb_path_query_array(
        to_jsonb(private.open_actions(p_conversation, p_actor_id, p_role)), '$[*].action'
      )
    ),
    p_status => 409, p_hint => 'Call get_available_actions to see what can be done now.'
  );
end;
$$;

-- The states of a flow that are open for free text, in order.
create or replace function private.free_text_states(p_flow_id bigint)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select s.state
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.free_text
    order by s.position
  );
end;
$$;

-- source: 40_flow/run_deadlines.sql sha256:086360dec93a1ce96e759223334e67c44e81c3da1af40d651d3d70e233bc8120
-- Deadlines without a timer: readers see due steps, writers store them.

-- Takes the steps that are due, each at the time when it was due, and returns the conversation
-- after them; most often there is none.
--
-- Readers pass p_is_trial and store nothing. A deadline that lies before the step that led to it is
-- due with that step.
-- Locks: unless this is a trial, the conversation's row must be locked already. Writes: as
-- private.advance_conversation, unless this is a trial.
-- Errors: none; the proof shows that the flow allows every due step.
create or replace function private.run_deadlines(
  p_conversation private.conversations,
  p_is_trial boolean
)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  -- More steps than any proved flow takes: a second safeguard beside the proof.
  c_most constant integer := 100;
  v_step private.flow_step;
  v_conversation private.conversations := p_conversation;
  -- A writer may have waited for the lock since its transaction began.
  v_now constant timestamptz := case when p_is_trial then now() else clock_timestamp() end;
begin
  for v_count in 1 .. c_most loop
    exit when v_conversation.deadline_at is null or v_conversation.deadline_at > v_now;
    v_step.conversation := v_conversation;
    v_step.role := 'system';
    v_step.is_trial := p_is_trial;
    v_step.at := greatest(v_conversation.deadline_at, v_conversation.entered_at);
    v_step.input := '{}';
    v_step.action := (
      select s.deadline_action
      from private.flow_states as s
      where s.flow_id = v_conversation.flow_id and s.state = v_conversation.flow_state
    );
    v_step := private.advance_conversation(v_step);
    v_conversation := v_step.conversation;
  end loop;
  return v_conversation;
end;
$$;

-- Takes the due steps of a batch of conversations, and returns how many deadlines had passed.
--
-- Args: the user whose conversations these are (null: all users'); how many conversations at most,
-- the longest due first. Locks: the conversations, in the order of their ids; it skips rows that
-- another session has locked. Writes: as private.run_deadlines.
create or replace function private.run_due(p_user_id uuid, p_limit integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
  v_count integer := 0;
begin
  for v_conversation in
    select c.*
    from private.conversations as c
    where c.id in (
      select due.id
      from private.conversations as due
      where due.deadline_at <= now()
        and (p_user_id is null or p_user_id in (due.user_a, due.user_b))
      order by due.deadline_at
      limit p_limit
    )
    order by c.id
    for no key update skip locked
  loop
    perform private.run_deadlines(v_conversation, p_is_trial => false);
    v_count := v_count + (
      select count(*)
      from public.conversation_events as e
      join private.flow_states as s
        on s.flow_id = v_conversation.flow_id and s.state = e.from_state
        and s.deadline_action = e.action
      where e.conversation_id = v_conversation.id and e.version > v_conversation.version
    );
  end loop;
  return v_count;
end;
$$;

-- The deadline of a conversation's state; null: it has none.
--
-- since_entry counts from the entry into the state; payment_window too, but it lasts as long as a
-- payment attempt may still succeed (rule attempt_hours); since_payment counts from the payment,
-- plus pauses that the influencer did not ask for, and does not end before the grace after the
-- delivery date (rule overdue_grace_days). A day of the flow has 24 hours: calendar days depend on
-- the time zone, which callers choose.
-- Args: the conversation; the rules of its flow; its state, where that is at hand.
create or replace function private.state_deadline(
  p_conversation private.conversations,
  p_rules jsonb,
  p_state private.flow_states default null
)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_state private.flow_states := p_state;
  v_lasts interval;
begin
  if v_state.state is null then
    select s.* into v_state
    from private.flow_states as s
    where s.flow_id = p_conversation.flow_id and s.state = p_conversation.flow_state;
  end if;
  v_lasts := extract(epoch from v_state.lasts) * interval '1 second';
  return case v_state.clock
    when 'since_entry' then p_conversation.entered_at + v_lasts
    when 'since_payment' then greatest(
      (p_conversation.flow_data ->> 'clock_from')::timestamptz + v_lasts,
      p_conversation.delivery_due_at
        + (p_rules ->> 'overdue_grace_days')::numeric * interval '24 hours'
    )
    when 'payment_window' then greatest(
      p_conversation.entered_at + v_lasts,
      (p_conversation.flow_data ->> 'last_attempt_at')::timestamptz
        + (p_rules ->> 'attempt_hours')::numeric * interval '1 hour'
    )
  end;
end;
$$;

-- source: 43_deals/apply_to_campaign.sql sha256:404fcaf4fced164701111f2d64ee338027503221bb634cd87ce6aeaa9afa26cb
-- An influencer applies to a campaign: a deal with its brand owner begins.
--
-- An open deal of the two on this campaign is the answer (`created: false`). quote is the
-- influencer's price in rupees: a number or a text.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the brand owner's (key share), the campaign, then their open deal.
-- Writes: rate_limits, requests, and as private.open_deal and private.answer_step.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), CAMPAIGN_NOT_FOUND (404),
-- CAMPAIGN_CLOSED (409), BLOCKED (403), IDEMPOTENCY_MISMATCH (409), INPUT_INVALID (422),
-- PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.apply_to_campaign(
  p_campaign_id uuid,
  p_quote jsonb,
  p_pitch text,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_quote_minor constant bigint := private.read_amount(p_quote, 'quote');
  v_pitch constant text := private.read_pitch(p_pitch);
  v_campaign public.campaigns;
  v_deal private.conversations;
begin
  v_step := private.begin_deal(
    'influencer', p_client_action_id,
    jsonb_build_object('campaign_id', p_campaign_id, 'quote', p_quote, 'pitch', p_pitch)
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  perform private.lock_peer(
    (select c.brand_owner_id from public.campaigns as c where c.id = p_campaign_id)
  );
  select c.* into v_campaign
  from public.campaigns as c
  where c.id = p_campaign_id
  for no key update;
  if not found then
    perform private.raise_error(
      'CAMPAIGN_NOT_FOUND', 'There is no such campaign.', p_status => 404
    );
  end if;

  v_deal.kind := 'campaign';
  v_deal.campaign_id := v_campaign.id;
  v_deal.brand_owner_id := v_campaign.brand_owner_id;
  v_deal.influencer_id := v_step.actor_id;
  v_deal.flow_data := jsonb_strip_nulls(
    private.money_json('quote', 'quote_minor', v_quote_minor)
      || private.money_json('proposed_amount', 'proposed_minor', v_campaign.budget_minor)
      || jsonb_build_object('pitch', v_pitch)
  );
  v_step.conversation := private.find_open_deal(v_deal);
  if (v_step.conversation).id is not null then
    return private.answer_existing(v_step);
  end if;
  if v_campaign.status <> 'open' then
    perform private.raise_error('CAMPAIGN_CLOSED', 'This campaign is closed.', p_status => 409);
  end if;
  insert into public.requests (campaign_id, influencer_id, quote_minor, pitch)
  values (v_campaign.id, v_step.actor_id, v_quote_minor, v_pitch)
  returning id into v_deal.request_id;
  return private.open_deal(v_step, v_deal, 'apply_to_campaign');
end;
$$;

-- RPC: applies to a campaign; returns `{success, created, conversation, messages, actions,
-- flow_update}`.
create or replace function public.apply_to_campaign(
  campaign_id uuid,
  quote jsonb default null,
  pitch text default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.apply_to_campaign(campaign_id, quote, pitch, client_action_id);
$$;

-- The pitch of an application, as it is stored; null when there is none.
--
-- Errors: INPUT_INVALID (422) `{field: "pitch", rule}`.
create or replace function private.read_pitch(p_pitch text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_pitch constant text := private.read_text(p_pitch, 'pitch', 5000, p_rule => 'max_length');
begin
  return case when not private.is_blank(v_pitch) then v_pitch end;
end;
$$;

grant execute on function private.apply_to_campaign(uuid, jsonb, text, uuid) to authenticated;
grant execute on function public.apply_to_campaign(uuid, jsonb, text, uuid) to authenticated;

-- source: 43_deals/click_button.sql sha256:ef85a4e592787e2ad34341aeac0e29dcda088030edd60616f8b74db6ae7b7cf3
-- Clicks a button of an action message: takes the action that the flow stored with that button.
--
-- Without a message it takes the newest open one that has the button; a button that no open message
-- has is the action of that name. additional_data is the action's input; the button's data fills in
-- missing fields.
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: MESSAGE_NOT_FOUND (404) for a message that is no action message, or not visible to the
-- caller, ACTION_ALREADY_COMPLETED (409) `{completed_by, completed_action}` for a button of an old
-- message, ACTION_UNKNOWN (422) for a button that it does not have; and those of take_action.
create or replace function private.click_button(
  p_conversation_id uuid,
  p_button_id text,
  p_additional_data jsonb,
  p_message_id uuid,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_button jsonb;
begin
  v_step := private.begin_action(
    p_conversation_id,
    jsonb_build_object('button_id', p_button_id, 'message_id', p_message_id),
    p_additional_data, p_client_action_id
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  v_button := private.find_button(v_step, p_button_id, p_message_id);
  return private.finish_action(
    v_step, v_button ->> 'action',
    case jsonb_typeof(v_step.input)
      when 'object' then coalesce(v_button -> 'data', '{}') || v_step.input
      else v_step.input
    end,
    jsonb_build_object('event', 'button_action', 'button_id', p_button_id)
  );
end;
$$;

-- RPC: clicks a button; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.click_button(
  conversation_id uuid,
  button_id text,
  additional_data jsonb default '{}',
  message_id uuid default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.click_button(
    conversation_id, button_id, additional_data, message_id, client_action_id
  );
$$;

-- The button that a user clicks, `{action, data}`, as it is stored in its message.
--
-- Args: the step; the button; the message (null: the newest open one that has the button).
-- Errors: MESSAGE_NOT_FOUND (404), ACTION_ALREADY_COMPLETED (409) `{completed_by,
-- completed_action}`, ACTION_UNKNOWN (422).
create or replace function private.find_button(
  p_step private.flow_step,
  p_button_id text,
  p_message_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_message public.messages;
  v_button jsonb;
begin
  select m.* into v_message
  from public.messages as m
  where m.conversation_id = (p_step.conversation).id
    and m.action_required
    and (m.visible_to = 'all' or m.receiver_id = p_step.actor_id)
    and case when p_message_id is null
      then not m.action_completed and m.action_data -> 'buttons' @> jsonb_build_array(
        jsonb_build_object('id', p_button_id)
      )
      else m.id = p_message_id
    end
  order by m.seq desc
  limit 1;
  if not found and p_message_id is null then
    return jsonb_build_object('action', p_button_id);
  end if;
  if not found then
    perform private.raise_error(
      'MESSAGE_NOT_FOUND', 'There is no such action message among yours.', p_status => 404
    );
  end if;
  if v_message.action_completed then
    perform private.raise_error(
      'ACTION_ALREADY_COMPLETED', 'This was answered already.',
      jsonb_build_object(
        'completed_by', v_message.action_data -> 'completed_by',
        'completed_action', v_message.action_data -> 'completed_action'
      ),
      p_status => 409, p_hint => 'Call get_available_actions to see what can be done now.'
    );
  end if;
  v_button := (
    select b.value
    from jsonb_array_elements(v_message.action_data -> 'buttons') as b
    where b.value ->> 'id' = p_button_id
  );
  if v_button is null and v_message.action_data ->> 'submit_action' = p_button_id then
    v_button := jsonb_build_object('action', p_button_id);
  end if;
  if v_button is null then
    perform private.raise_error(
      'ACTION_UNKNOWN', 'The message has no such button.', p_status => 422
    );
  end if;
  return v_button;
end;
$$;

grant execute on function private.click_button(uuid, text, jsonb, uuid, uuid) to authenticated;
grant execute on function public.click_button(uuid, text, jsonb, uuid, uuid) to authenticated;

-- source: 43_deals/connect_bid.sql sha256:69c731fd9f8dde7661a769d2fbbe0f865c1da47e44a28e44aa28c6d21f9b125d
-- A brand owner connects to a bid: a deal with the bid's influencer begins.
--
-- An open deal of the two on this bid is the answer (`created: false`). A given influencer must be
-- the bid's owner. proposed_amount, in rupees, binds nobody: a number or a text.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the influencer's (key share), the bid, then their open deal. Writes:
-- rate_limits, and as private.open_deal and private.answer_step.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), BID_NOT_FOUND (404),
-- BID_OWNER_MISMATCH (409), BID_CLOSED (409), BLOCKED (403), IDEMPOTENCY_MISMATCH (409),
-- INPUT_INVALID (422), PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.connect_bid(
  p_bid_id uuid,
  p_proposed_amount jsonb,
  p_influencer_id uuid,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_proposed_minor constant bigint := private.read_amount(p_proposed_amount, 'proposed_amount');
  v_bid public.bids;
  v_deal private.conversations;
begin
  v_step := private.begin_deal(
    'brand_owner', p_client_action_id,
    jsonb_build_object(
      'bid_id', p_bid_id, 'proposed_amount', p_proposed_amount, 'influencer_id', p_influencer_id
    )
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  perform private.lock_peer((select b.influencer_id from public.bids as b where b.id = p_bid_id));
  select b.* into v_bid from public.bids as b where b.id = p_bid_id for no key update;
  if not found then
    perform private.raise_error('BID_NOT_FOUND', 'There is no such bid.', p_status => 404);
  end if;
  if v_bid.influencer_id <> p_influencer_id then
    perform private.raise_error(
      'BID_OWNER_MISMATCH', 'This bid is another influencer''s.', p_status => 409
    );
  end if;

  v_deal.kind := 'bid';
  v_deal.bid_id := v_bid.id;
  v_deal.brand_owner_id := v_step.actor_id;
  v_deal.influencer_id := v_bid.influencer_id;
  v_deal.flow_data := jsonb_strip_nulls(
    private.money_json('proposed_amount', 'proposed_minor', v_proposed_minor)
  );
  v_step.conversation := private.find_open_deal(v_deal);
  if (v_step.conversation).id is not null then
    return private.answer_existing(v_step);
  end if;
  if v_bid.status <> 'open' then
    perform private.raise_error('BID_CLOSED', 'This bid is closed.', p_status => 409);
  end if;
  return private.open_deal(v_step, v_deal, 'connect_bid');
end;
$$;

-- RPC: connects to a bid; returns `{success, created, conversation, messages, actions,
-- flow_update}`.
create or replace function public.connect_bid(
  bid_id uuid,
  proposed_amount jsonb default null,
  influencer_id uuid default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.connect_bid(bid_id, proposed_amount, influencer_id, client_action_id);
$$;

grant execute on function private.connect_bid(uuid, jsonb, uuid, uuid) to authenticated;
grant execute on function public.connect_bid(uuid, jsonb, uuid, uuid) to authenticated;

-- source: 43_deals/force_close.sql sha256:be6a51c943e75ebdc2187b88d52bf1813718b4fbbae306c3029c6c0e7eccc153
-- An operator closes a deal before it is paid; both sides read the reason.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), FUNDS_HELD (409), CHAT_CLOSED (409),
-- FLOW_STATE_INVALID (409).
create or replace function private.force_close(p_conversation_id uuid, p_reason text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return private.operate(
    p_conversation_id, 'force_close', jsonb_strip_nulls(jsonb_build_object('reason', p_reason)),
    p_ends_deal => true
  );
end;
$$;

-- RPC: operators close a deal; returns `{success, conversation_id, flow_update}`.
create or replace function public.force_close(conversation_id uuid, reason text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.force_close(conversation_id, reason);
$$;

grant execute on function private.force_close(uuid, text) to authenticated, service_role;
grant execute on function public.force_close(uuid, text) to authenticated, service_role;

-- source: 43_deals/force_dispute.sql sha256:dfe5dcfd8923a476ba84842d979adcfcbfd66006f467e2daa7babf641d1247d2
-- An operator stops a deal that holds money, to decide about it with resolve_dispute; both sides
-- read the reason.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), CHAT_CLOSED (409), FLOW_STATE_INVALID
-- (409).
create or replace function private.force_dispute(p_conversation_id uuid, p_reason text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return private.operate(
    p_conversation_id, 'force_dispute',
    jsonb_strip_nulls(jsonb_build_object('reason', p_reason))
  );
end;
$$;

-- RPC: operators stop a deal; returns `{success, conversation_id, flow_update}`.
create or replace function public.force_dispute(conversation_id uuid, reason text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.force_dispute(conversation_id, reason);
$$;

grant execute on function private.force_dispute(uuid, text) to authenticated, service_role;
grant execute on function public.force_dispute(uuid, text) to authenticated, service_role;

-- source: 43_deals/get_available_actions.sql sha256:f2353be7912ae070fd551b29b2ad81c9cee53b07bf0c81b2c523f1956f5785d7
-- The actions that the caller may take in a conversation now; a client needs no other knowledge of
-- the flow.
--
-- input is the action's first field, or null; schema is the JSON Schema of all fields; cost is in
-- points; deadline_at is the deadline of the state.
-- Definer: the flow is private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_available_actions(p_conversation_id uuid)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_conversation private.conversations;
begin
  v_conversation := private.as_of_now(private.read_conversation(p_conversation_id, v_me));
  return private.actions_json(v_conversation, v_me, private.role_in(v_conversation, v_me));
end;
$$;

-- RPC: the actions that the caller may take now; returns `[{action, button_id, text, style, input,
-- schema, cost, deadline_at}]`.
create or replace function public.get_available_actions(conversation_id uuid)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_available_actions(conversation_id);
$$;

grant execute on function private.get_available_actions(uuid) to authenticated;
grant execute on function public.get_available_actions(uuid) to authenticated;

-- source: 43_deals/get_ratings.sql sha256:55c9d886144ca21c419d1bb5eaf53aaf07d22132e941ef9aceb29f740810ed1d
-- The ratings of a deal, double-blind: the other side's is shown when both have rated, or after the
-- flow's rating_days.
--
-- Definer: ratings are private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_ratings(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_conversation constant private.conversations
    := private.read_conversation(p_conversation_id, v_me);
begin
  return (
    select jsonb_build_object(
      'mine', jsonb_agg(r.rated) filter (where r.is_mine) -> 0,
      'theirs', jsonb_agg(r.rated) filter (
        where not r.is_mine and (r.both or r.created_at <= now() - r.shown_after)
      ) -> 0
    )
    from (
      select
        g.rater_id = v_me as is_mine,
        count(*) over () = 2 as both,
        g.created_at,
        (f.rules ->> 'rating_days')::numeric * interval '24 hours' as shown_after,
        jsonb_build_object(
          'rating', g.rating, 'comment', g.comment, 'created_at', g.created_at
        ) as rated
      from private.ratings as g
      join private.flow_definitions as f on f.id = v_conversation.flow_id
      where g.conversation_id = v_conversation.id
    ) as r
  );
end;
$$;

-- RPC: the two ratings; returns `{mine, theirs}`, each `{rating, comment, created_at}` or null.
create or replace function public.get_ratings(conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_ratings(conversation_id);
$$;

grant execute on function private.get_ratings(uuid) to authenticated;
grant execute on function public.get_ratings(uuid) to authenticated;

-- source: 43_deals/invite_to_campaign.sql sha256:d0754e6e7c8a4d43c016fb3226dbb82603cfe847d1043a128e581a4f155018b4
-- A brand owner invites an influencer to their campaign: a deal begins.
--
-- An open deal of the two on this campaign is the answer (`created: false`).
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the influencer's (key share), the campaign, then their open deal.
-- Writes: rate_limits, and as private.open_deal and private.answer_step.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), CAMPAIGN_NOT_FOUND (404),
-- USER_NOT_FOUND (404), INPUT_INVALID (422) for a user who is no influencer, CAMPAIGN_CLOSED (409),
-- BLOCKED (403), IDEMPOTENCY_MISMATCH (409), RATE_LIMITED (429).
create or replace function private.invite_to_campaign(
  p_campaign_id uuid,
  p_influencer_id uuid,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_campaign public.campaigns;
  v_deal private.conversations;
begin
  v_step := private.begin_deal(
    'brand_owner', p_client_action_id,
    jsonb_build_object('campaign_id', p_campaign_id, 'influencer_id', p_influencer_id)
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  perform private.lock_peer(p_influencer_id);
  select c.* into v_campaign
  from public.campaigns as c
  where c.id = p_campaign_id and c.brand_owner_id = v_step.actor_id
  for no key update;
  if not found then
    perform private.raise_error(
      'CAMPAIGN_NOT_FOUND', 'There is no such campaign among yours.', p_status => 404
    );
  end if;
  perform private.check_influencer(p_influencer_id);

  v_deal.kind := 'campaign';
  v_deal.campaign_id := v_campaign.id;
  v_deal.brand_owner_id := v_step.actor_id;
  v_deal.influencer_id := p_influencer_id;
  v_deal.flow_data := jsonb_strip_nulls(
    private.money_json('proposed_amount', 'proposed_minor', v_campaign.budget_minor)
  );
  v_step.conversation := private.find_open_deal(v_deal);
  if (v_step.conversation).id is not null then
    return private.answer_existing(v_step);
  end if;
  if v_campaign.status <> 'open' then
    perform private.raise_error('CAMPAIGN_CLOSED', 'This campaign is closed.', p_status => 409);
  end if;
  return private.open_deal(v_step, v_deal, 'invite_to_campaign');
end;
$$;

-- RPC: invites an influencer; returns `{success, created, conversation, messages, actions,
-- flow_update}`.
create or replace function public.invite_to_campaign(
  campaign_id uuid,
  influencer_id uuid,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.invite_to_campaign(campaign_id, influencer_id, client_action_id);
$$;

-- Refuses to invite a user who is no influencer, or whose login was deleted.
--
-- Errors: USER_NOT_FOUND (404), INPUT_INVALID (422) `{field: "influencer_id", rule: "influencer"}`.
create or replace function private.check_influencer(p_user_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_user public.users;
begin
  select u.* into v_user
  from public.users as u
  join private.accounts as a on a.user_id = u.id
  where u.id = p_user_id;
  if not found then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  if v_user.role is distinct from 'influencer' then
    perform private.raise_input_invalid(
      'influencer_id', 'influencer', 'Only influencers can be invited.'
    );
  end if;
end;
$$;

grant execute on function private.invite_to_campaign(uuid, uuid, uuid) to authenticated;
grant execute on function public.invite_to_campaign(uuid, uuid, uuid) to authenticated;

-- source: 43_deals/mark_refunded_manually.sql sha256:c7da57981b343bc0802b9cdac68bd294f93496cef833f6d22b0c92f0495e26a8
-- Records that an operator has sent a refund by another way than the gateway; reference proves it.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422), CHAT_CLOSED (409),
-- FLOW_STATE_INVALID (409).
create or replace function private.mark_refunded_manually(
  p_conversation_id uuid,
  p_reference text,
  p_note text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return private.operate(
    p_conversation_id, 'mark_refunded_manually',
    jsonb_strip_nulls(jsonb_build_object('reference', p_reference, 'note', p_note))
  );
end;
$$;

-- RPC: operators end a refund; returns `{success, conversation_id, flow_update}`.
create or replace function public.mark_refunded_manually(
  conversation_id uuid,
  reference text,
  note text default null
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.mark_refunded_manually(conversation_id, reference, note);
$$;

grant execute on function private.mark_refunded_manually(uuid, text, text)
to authenticated, service_role;
grant execute on function public.mark_refunded_manually(uuid, text, text)
to authenticated, service_role;

-- source: 43_deals/open_deal.sql sha256:c22355acce5568d54ba4ddb01626aa74c14e5f2ffe003aa009566bdda61e5804
-- Opening a deal, for the three RPCs that do it.

-- Begins a call that opens a deal: checks the user's role, and recognizes a repeat by its
-- client_action_id.
--
-- Locks: the user's account, then the limit on actions. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), RATE_LIMITED (429),
-- IDEMPOTENCY_MISMATCH (409).
create or replace function private.begin_deal(p_role text, p_client_action_id uuid, p_request jsonb)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
begin
  v_step.actor_id := private.require_role(p_role);
  v_step.role := p_role;
  -- A block waits for this lock, so it either came before or sees the deal.
  perform private.lock_account(v_step.actor_id);
  perform private.limit_rate(v_step.actor_id, 'action');
  return private.find_repeat(v_step, p_request, p_client_action_id);
end;
$$;

-- The open deal that two people already have on a bid or campaign, after its due steps; null when
-- they have none.
--
-- Call it under the lock of the bid or campaign, so that two calls at once make one deal.
-- Args: a conversation with kind, subject and roles. Locks: the deal.
-- Writes: as private.run_deadlines.
create or replace function private.find_open_deal(p_deal private.conversations)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  select c.* into v_conversation
  from private.conversations as c
  where (
    c.bid_id = p_deal.bid_id and c.brand_owner_id = p_deal.brand_owner_id
    or c.campaign_id = p_deal.campaign_id and c.influencer_id = p_deal.influencer_id
  )
  and c.chat_status <> 'closed'
  for no key update;
  if not found then
    return null;
  end if;
  v_conversation := private.run_deadlines(v_conversation, p_is_trial => false);
  return case when v_conversation.chat_status <> 'closed' then v_conversation end;
end;
$$;

-- Opens a deal: the conversation, its two members, and the first step of its flow.
--
-- Args: the step as begin_deal returned it; the deal with kind, subject, roles and flow_data; the
-- action that opens it. Returns the action result. Locks: the user's limit on deals. Writes:
-- rate_limits, and as private.found_conversation and private.answer_step.
-- Errors: BLOCKED (403), RATE_LIMITED (429).
create or replace function private.open_deal(
  p_step private.flow_step,
  p_deal private.conversations,
  p_action text
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_deal;
  v_step private.flow_step;
begin
  if private.is_blocked(p_deal.brand_owner_id, p_deal.influencer_id) then
    perform private.raise_error(
      'BLOCKED', 'You cannot make a deal with this user.', p_status => 403
    );
  end if;
  perform private.limit_rate(p_step.actor_id, 'deal');
  v_deal.user_a := least(v_deal.brand_owner_id, v_deal.influencer_id);
  v_deal.user_b := greatest(v_deal.brand_owner_id, v_deal.influencer_id);
  v_step := private.found_conversation(
    v_deal, p_step.actor_id, p_step.role, p_action,
    jsonb_build_object('event', 'button_action', 'button_id', p_action)
  );
  if p_deal.kind = 'bid' then
    perform private.announce_bid(p_deal.bid_id);
  else
    perform private.announce_campaign(p_deal.campaign_id);
  end if;
  v_step.client_action_id := p_step.client_action_id;
  v_step.request_hash := p_step.request_hash;
  return private.answer_step(v_step, p_is_created => true);
end;
$$;

-- Creates a conversation with its two members and takes the first step of the published flow of its
-- kind; the conversation stays on that version. Null when two people have their direct chat
-- already.
--
-- Args: the conversation with kind, members, subject, roles and flow_data; the opener, the role and
-- the action; the event for the opener's other devices, as for announce_step.
-- Writes: conversations, participants, and as private.advance_conversation.
-- Errors: none; the first move of a flow has no guard.
create or replace function private.found_conversation(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text,
  p_action text,
  p_event jsonb default null
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_conversation private.conversations;
  -- Only a deal has books.
  v_nothing constant bigint := case when p_conversation.kind <> 'direct' then 0 end;
  -- The opening line of a direct chat is unread for neither member.
  v_read_seq constant bigint := case p_conversation.kind when 'direct' then 1 else 0 end;
begin
  insert into private.conversations (
    kind, user_a, user_b, brand_owner_id, influencer_id, bid_id, campaign_id, request_id,
    flow_id, flow_state, flow_data, captured_minor, held_minor, released_minor, fee_minor,
    refunded_minor, charged_back_minor
  )
  values (
    p_conversation.kind, p_conversation.user_a, p_conversation.user_b,
    p_conversation.brand_owner_id, p_conversation.influencer_id, p_conversation.bid_id,
    p_conversation.campaign_id, p_conversation.request_id,
    (
      select f.id from private.flow_definitions as f
      where f.kind = p_conversation.kind and f.status = 'published'
    ),
    'initial', coalesce(p_conversation.flow_data, '{}'), v_nothing, v_nothing, v_nothing,
    v_nothing, v_nothing, v_nothing
  )
  on conflict (user_a, user_b) where kind = 'direct' do nothing
  returning * into v_conversation;
  if not found then
    return null;
  end if;
  insert into private.participants (
    conversation_id, user_id, role, read_seq, delivered_seq, shares_read_receipts
  )
  select
    v_conversation.id, member.id, private.role_in(v_conversation, member.id), v_read_seq,
    v_read_seq,
    coalesce(
      (select a.shares_read_receipts from private.accounts as a where a.user_id = member.id), true
    )
  from unnest(array[p_conversation.user_a, p_conversation.user_b]) as member (id);

  v_step.conversation := v_conversation;
  v_step.actor_id := p_actor_id;
  v_step.role := p_role;
  v_step.action := p_action;
  v_step.input := '{}';
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  return private.advance_conversation(v_step, p_event);
end;
$$;

-- The answer when the deal is open already: the deal as it is, with `created: false`.
--
-- Writes: as private.answer_step.
create or replace function private.answer_existing(p_step private.flow_step)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
begin
  v_step.from_state := (p_step.conversation).flow_state;
  v_step.path := '{}';
  v_step.messages := '{}';
  return private.answer_step(v_step, p_is_created => false);
end;
$$;

-- source: 43_deals/operate.sql sha256:c512b7ff3339b674656c20816e6ef804859aa87ea4c68be2da03d418ad47583a
-- Takes an action of an operator, or of the system after a fact from outside.
--
-- Only the interpreter may take the steps of deadlines and follow-ups.
-- Args: the conversation; the action and its input; admin or system; whether it would end a deal
-- that holds money.
-- Locks: the conversation. Writes: as private.run_deadlines and private.advance_conversation.
-- Errors: FORBIDDEN (403) for an operator who is a member, CONVERSATION_NOT_FOUND (404),
-- ACTION_UNKNOWN (422), FUNDS_HELD (409), those of private.advance_conversation.
create or replace function private.operate(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb,
  p_role text default 'admin',
  p_ends_deal boolean default false
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_input constant jsonb := private.read_fields(coalesce(p_input, '{}'));
begin
  v_step.conversation := private.run_deadlines(
    private.lock_conversation(p_conversation_id, null), p_is_trial => false
  );
  if p_role = 'admin' then
    perform private.refuse_own(p_conversation_id);
  end if;
  if exists (
    select from private.flow_states as s
    where s.flow_id = (v_step.conversation).flow_id and s.deadline_action = p_action
  ) or exists (
    select from private.flow_transitions as t
    where t.flow_id = (v_step.conversation).flow_id and t.follow_up = p_action
  ) then
    perform private.raise_error(
      'ACTION_UNKNOWN', 'Only the flow itself does this.', p_status => 422
    );
  end if;
  if p_ends_deal and (v_step.conversation).held_minor > 0 then
    perform private.raise_error(
      'FUNDS_HELD', 'This deal holds money.', p_status => 409,
      p_hint => 'Stop it with force_dispute, then decide with resolve_dispute.'
    );
  end if;
  v_step.actor_id := case when p_role = 'admin' then auth.uid() end;
  v_step.role := p_role;
  v_step.action := p_action;
  v_step.input := v_input;
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  v_step := private.advance_conversation(v_step);
  return jsonb_build_object(
    'success', true,
    'conversation_id', p_conversation_id,
    'flow_update', private.flow_update_json(v_step)
  );
end;
$$;

-- source: 43_deals/read_conversation.sql sha256:04e822a062030974bad3d67ea84722eb8903d1420c77645cdf84bbcbe6b3b98f
-- Reads or locks a conversation for a member; for anybody else it does not exist.

-- A conversation of a user, as it is stored.
--
-- Errors: CONVERSATION_NOT_FOUND (404), also for another user's.
create or replace function private.read_conversation(p_conversation_id uuid, p_user_id uuid)
returns private.conversations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  select c.* into v_conversation
  from private.conversations as c
  where c.id = p_conversation_id and p_user_id in (c.user_a, c.user_b);
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;

-- Locks a conversation of a user until the transaction ends and returns it.
--
-- Args: the conversation; the member (null: an operator or the system, checked before). Locks: the
-- conversation's row.
-- Errors: CONVERSATION_NOT_FOUND (404), also for another user's.
create or replace function private.lock_conversation(p_conversation_id uuid, p_user_id uuid)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  select c.* into v_conversation
  from private.conversations as c
  where c.id = p_conversation_id and (p_user_id is null or p_user_id in (c.user_a, c.user_b))
  for no key update;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;

-- source: 43_deals/resolve_dispute.sql sha256:81d5a5663a6c5959ba2f2085cd6acf5c628cad0f54eb4328b2cdea8b998255ef
-- An operator decides a dispute: release gives the money to the influencer, refund to the brand
-- owner, split refund_amount (rupees) to the brand owner and the rest to the influencer; resume
-- returns the deal to its state before. A split of the whole held amount is called a refund. The
-- parties never see note.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422), PRICE_OUT_OF_RANGE
-- (422), FLOW_STATE_INVALID (409).
create or replace function private.resolve_dispute(
  p_conversation_id uuid,
  p_verdict text,
  p_refund_amount jsonb,
  p_note text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  if p_verdict is null or p_verdict not in ('release', 'refund', 'split', 'resume') then
    perform private.raise_input_invalid(
      'verdict', 'one_of', 'The verdict is release, refund, split or resume.'
    );
  end if;
  if p_verdict = 'split' and exists (
    select from private.conversations as c
    where c.id = p_conversation_id
      and case when c.flow_state = 'disputed' then
        c.held_minor = (
          private.check_input(
            c.flow_id, 'resolve_split', jsonb_build_object('refund_amount', p_refund_amount)
          ) ->> 'refund_amount_minor'
        )::bigint
      end
  ) then
    return private.resolve_dispute(p_conversation_id, 'refund', null, p_note);
  end if;
  return private.operate(
    p_conversation_id, 'resolve_' || p_verdict,
    jsonb_strip_nulls(jsonb_build_object('refund_amount', p_refund_amount, 'note', p_note))
  );
end;
$$;

-- RPC: operators decide a dispute; returns `{success, conversation_id, flow_update}`.
create or replace function public.resolve_dispute(
  conversation_id uuid,
  verdict text,
  refund_amount jsonb default null,
  note text default null
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.resolve_dispute(conversation_id, verdict, refund_amount, note);
$$;

grant execute on function private.resolve_dispute(uuid, text, jsonb, text)
to authenticated, service_role;
grant execute on function public.resolve_dispute(uuid, text, jsonb, text)
to authenticated, service_role;

-- source: 43_deals/review_work.sql sha256:7a6f427175d4b36db1812b29add7946c034b9f8c1ea354493e937b2bcf70f0bc
-- The brand owner reviews the work: take_action with approve_work or request_revision.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: INPUT_INVALID (422) `{field, rule}` for another decision; and those of take_action.
create or replace function private.review_work(
  p_conversation_id uuid,
  p_decision text,
  p_feedback text,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_user();
  if p_decision is null or p_decision not in ('approve_work', 'request_revision') then
    perform private.raise_input_invalid(
      'decision', 'one_of', 'The decision is approve_work or request_revision.'
    );
  end if;
  return private.take_action(
    p_conversation_id, p_decision,
    jsonb_strip_nulls(jsonb_build_object('feedback', p_feedback)), p_client_action_id, null
  );
end;
$$;

-- RPC: approves the work or asks for a change; returns `{success, conversation, messages, actions,
-- flow_update}`.
create or replace function public.review_work(
  conversation_id uuid,
  decision text,
  feedback text default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.review_work(conversation_id, decision, feedback, client_action_id);
$$;

grant execute on function private.review_work(uuid, text, text, uuid) to authenticated;
grant execute on function public.review_work(uuid, text, text, uuid) to authenticated;

-- source: 43_deals/simulate_action.sql sha256:33594cfa3fa0a06bc68f87fa42909e1341c4470548dc49bf627ad5a442f796ac
-- The result that an action would have now: the interpreter runs it, but stores nothing and charges
-- no limit.
--
-- error is `{error_code, message, details}` or null; messages have no seq yet; effects are those of
-- docs/FLOW.md.
-- Definer: the flow is private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404). A refusal of the action is an answer.
create or replace function private.simulate_action(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_step private.flow_step;
  v_refusal text;
begin
  perform private.check_json(
    jsonb_build_object('action', p_action, 'input', p_input), 'input', 65536
  );
  v_step.conversation := private.as_of_now(private.read_conversation(p_conversation_id, v_me));
  v_step.actor_id := v_me;
  v_step.role := private.role_in(v_step.conversation, v_me);
  v_step.action := p_action;
  v_step.input := coalesce(p_input, '{}');
  v_step.at := now();
  v_step.is_trial := true;
  begin
    v_step := private.advance_conversation(v_step);
  exception
    when sqlstate 'PGRST' then
      get stacked diagnostics v_refusal = message_text;
      return jsonb_build_object(
        'allowed', false, 'error', private.refusal_json(v_refusal::jsonb), 'next_state', null,
        'awaiting_role', null, 'messages', '[]'::jsonb, 'effects', '[]'::jsonb
      );
  end;
  return jsonb_build_object(
    'allowed', true,
    'error', null,
    'next_state', (v_step.conversation).flow_state,
    'awaiting_role', (v_step.conversation).awaiting_role,
    'messages', (
      select coalesce(jsonb_agg(private.message_json(m)), '[]')
      from unnest(v_step.messages) as m
      where m.visible_to = 'all' or m.receiver_id = v_me
    ),
    'effects', to_jsonb(v_step.effects)
  );
end;
$$;

-- RPC: tries an action; returns `{allowed, error, next_state, awaiting_role, messages, effects}`.
create or replace function public.simulate_action(
  conversation_id uuid,
  action text,
  input jsonb default '{}'
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.simulate_action(conversation_id, action, input);
$$;

-- A refusal as private.raise_error wrote it, in the shape of an answer: `{error_code, message,
-- details}`.
create or replace function private.refusal_json(p_refusal jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'error_code', p_refusal -> 'code',
    'message', p_refusal -> 'message',
    'details', (p_refusal ->> 'details')::jsonb
  );
end;
$$;

grant execute on function private.simulate_action(uuid, text, jsonb) to authenticated;
grant execute on function public.simulate_action(uuid, text, jsonb) to authenticated;

-- source: 43_deals/submit_text.sql sha256:80e749193fc9c1a49404ed5bd7c86330a658ebc0919b6539a2589d09c56bb975
-- Submits a typed text to the form that is open for the caller.
--
-- input_type says which field the client means: negotiation, price, project_details, question,
-- work_submission, feedback or reason.
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: INPUT_INVALID (422) `{field, rule}` when the open form is another one, NOT_YOUR_TURN
-- (409) when the other side has the form, FLOW_STATE_INVALID (409) when nobody has one, CHAT_CLOSED
-- (409), PRICE_UNPARSEABLE (422) `{understood}` for a price that cannot be read; and those of
-- take_action.
create or replace function private.submit_text(
  p_conversation_id uuid,
  p_text text,
  p_input_type text,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_form private.flow_inputs;
  v_text text;
begin
  v_step := private.begin_action(
    p_conversation_id, jsonb_build_object('input_type', p_input_type),
    jsonb_build_object('text', p_text), p_client_action_id
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  v_text := v_step.input ->> 'text';
  v_form := private.find_form(v_step, p_input_type);
  return private.finish_action(
    v_step, v_form.action,
    jsonb_build_object(
      v_form.field,
      -- An empty price is a price that cannot be read.
      case when v_form.type = 'price' then coalesce(v_text, '') else v_text end
    ),
    jsonb_build_object('event', 'text_input', 'input_type', p_input_type)
  );
end;
$$;

-- RPC: submits a typed text; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.submit_text(
  conversation_id uuid,
  text text,
  input_type text,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.submit_text(conversation_id, text, input_type, client_action_id);
$$;

-- The field that a user's text is for, among the forms that are open for that user now.
--
-- Errors: INPUT_INVALID (422) `{field: "input_type"}` when the open form is another one,
-- NOT_YOUR_TURN (409) when the other side has the form, CHAT_CLOSED (409), FLOW_STATE_INVALID
-- (409).
create or replace function private.find_form(p_step private.flow_step, p_input_type text)
returns private.flow_inputs
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  v_form private.flow_inputs;
begin
  select i.* into v_form
  from private.open_forms(v_conversation, p_step.actor_id, p_step.role) as i
  where i.input_type = p_input_type;
  if found then
    return v_form;
  end if;
  if v_conversation.chat_status = 'closed' then
    perform private.raise_chat_closed();
  end if;
  if exists (select from private.open_forms(v_conversation, p_step.actor_id, p_step.role)) then
    perform private.raise_input_invalid(
      'input_type', 'open_form', 'Another kind of text is asked for now.'
    );
  end if;
  if exists (
    select from private.open_forms(
      v_conversation,
      case p_step.actor_id
        when v_conversation.user_a then v_conversation.user_b
        else v_conversation.user_a
      end,
      private.other_role(p_step.role)
    )
  ) then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  perform private.raise_state_invalid(
    v_conversation, p_step.actor_id, p_step.role,
    array(
      select a.state
      from private.flow_actions as a
      join private.flow_inputs as i on i.flow_id = a.flow_id and i.action = a.action
      join private.flow_states as s on s.flow_id = a.flow_id and s.state = a.state
      where a.flow_id = v_conversation.flow_id
        and a.drawn in ('form', 'both')
        and i.input_type = p_input_type
      group by a.state
      order by min(s.position)
    )
  );
  return null;
end;
$$;

-- The fields that a party may fill in now: those of actions that are drawn as a form.
create or replace function private.open_forms(
  p_conversation private.conversations,
  p_user_id uuid,
  p_role text
)
returns setof private.flow_inputs
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select i.*
  from unnest(private.open_actions(p_conversation, p_user_id, p_role)) as a (action)
  join private.flow_inputs as i
    on i.flow_id = p_conversation.flow_id and i.action = a.action ->> 'action'
  where a.action ->> 'drawn' in ('form', 'both') and i.input_type is not null;
end;
$$;

grant execute on function private.submit_text(uuid, text, text, uuid) to authenticated;
grant execute on function public.submit_text(uuid, text, text, uuid) to authenticated;

-- source: 43_deals/submit_work.sql sha256:20d1543fde5a0a9dfecfe7f5dd8ccded0daddeb579750d28a98385b4aa75043a
-- The influencer delivers: take_action with the action submit_work.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: those of take_action.
create or replace function private.submit_work(
  p_conversation_id uuid,
  p_deliverables text,
  p_description text,
  p_submission_notes text,
  p_client_action_id uuid,
  p_attachments jsonb
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.take_action(
    p_conversation_id, 'submit_work',
    jsonb_strip_nulls(jsonb_build_object(
      'deliverables', p_deliverables, 'description', p_description,
      'submission_notes', p_submission_notes, 'attachments', p_attachments
    )),
    p_client_action_id, null
  );
end;
$$;

-- RPC: submits the work; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.submit_work(
  conversation_id uuid,
  deliverables text,
  description text default null,
  submission_notes text default null,
  client_action_id uuid default null,
  attachments jsonb default null
)
returns json
language sql
set search_path = ''
as $$
  select private.submit_work(
    conversation_id, deliverables, description, submission_notes, client_action_id,
    attachments
  );
$$;

grant execute on function private.submit_work(uuid, text, text, text, uuid, jsonb) to authenticated;
grant execute on function public.submit_work(uuid, text, text, text, uuid, jsonb) to authenticated;

-- source: 43_deals/sweep_due.sql sha256:52d648180ae628b64779af51ce0de55190945d6c768dc9eb6ca40de970a409cb
-- Takes due steps in all conversations, the longest due first, and empties messages whose grace is
-- over, for an operator. It is for conversations that nobody opens and for deleted logins; readers
-- see the current state without it.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversations, in the order of their ids, then messages; it skips rows that another
-- session has locked. Writes: messages, and as private.run_deadlines.
-- Errors: FORBIDDEN (403).
create or replace function private.sweep_due(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return jsonb_build_object(
    'deadlines_run', private.run_due(null, private.clamp_page_size(p_max_rows, 100, 1000)),
    'scrubbed', private.scrub_everybodys(private.clamp_page_size(p_max_rows, 100, 1000))
  );
end;
$$;

-- RPC: operators take due steps; returns `{deadlines_run, scrubbed}`.
create or replace function public.sweep_due(max_rows integer default 100)
returns jsonb
language sql
set search_path = ''
as $$
  select private.sweep_due(max_rows);
$$;

grant execute on function private.sweep_due(integer) to authenticated, service_role;
grant execute on function public.sweep_due(integer) to authenticated, service_role;

-- source: 43_deals/take_action.sql sha256:25d9c2567bb8cbe3df6b675ba23d707bb495abec492310eeddfa42621c48b764
-- Takes an action in a conversation's flow.
--
-- Args: action is one of get_available_actions; input has the fields of its schema; for 30 days a
-- repeat with the same client_action_id changes nothing and gets the first answer, with the present
-- conversation and actions; expected_version is the version of the context that the user saw (null:
-- any).
-- Definer: clients have no write grant on any table. Plans are generic from the first call: every
-- statement of a step finds the rows of one conversation by their keys.
-- Locks: the user's limit on actions, then the conversation. Writes: as begin_action and
-- finish_action.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- IDEMPOTENCY_MISMATCH (409), VERSION_CONFLICT (409) `{version}` when the deal has moved on since
-- expected_version, ACTION_UNKNOWN (422), CHAT_CLOSED (409), FLOW_STATE_INVALID (409)
-- `{current_state, required_state, awaiting_role, allowed_actions}`, NOT_YOUR_TURN (409) when only
-- the other side may, INPUT_INVALID (422) `{field, rule}`, PRICE_UNPARSEABLE (422) `{understood}`,
-- PRICE_OUT_OF_RANGE (422) `{min, max}`, PRICE_CHANGED (409) `{price}`, NEGOTIATION_LIMIT (409),
-- REVISION_LIMIT (409), FUNDS_HELD (409), GUARD_FAILED (409) `{guard}`; this is also their order.
create or replace function private.take_action(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb,
  p_client_action_id uuid,
  p_expected_version bigint
)
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_step private.flow_step;
begin
  v_step := private.begin_action(
    p_conversation_id,
    jsonb_build_object('action', p_action),
    p_input, p_client_action_id, p_expected_version
  );
  return coalesce(
    v_step.earlier,
    private.finish_action(v_step, p_action, v_step.input)
  );
end;
$$;

-- RPC: takes an action; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.take_action(
  conversation_id uuid,
  action text,
  input jsonb default '{}',
  client_action_id uuid default null,
  expected_version bigint default null
)
returns json
language sql
as $$
  select private.take_action(conversation_id, action, input, client_action_id, expected_version);
$$;

-- Begins a user's action: recognizes a repeat by its client_action_id, locks the conversation,
-- takes due steps, and refuses a decision on an older state.
--
-- Args: the conversation; the request and its input, to compare a repeat with; the client's id of
-- it; the version that the user saw (null: any). Returns the step without its action, with the
-- input that private.read_fields read before any lock; a repeat has its answer in earlier.
-- Locks: the user's limit on actions, then the conversation. Writes: rate_limits, and as
-- private.run_deadlines.
-- Errors: AUTH_REQUIRED (401), those of private.read_fields, RATE_LIMITED (429) `{retry_after}`,
-- CONVERSATION_NOT_FOUND (404), IDEMPOTENCY_MISMATCH (409), VERSION_CONFLICT (409) `{version}`.
create or replace function private.begin_action(
  p_conversation_id uuid,
  p_request jsonb,
  p_input jsonb,
  p_client_action_id uuid,
  p_expected_version bigint default null
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
begin
  v_step.actor_id := private.require_user();
  perform private.check_json(p_request, 'input', 65536);
  v_step.input := private.read_fields(coalesce(p_input, '{}'));
  -- This lock also makes one user's actions wait for each other, so that a repeat finds its first
  -- try.
  perform private.limit_rate(v_step.actor_id, 'action');
  v_step.conversation := private.lock_conversation(p_conversation_id, v_step.actor_id);
  v_step.role := private.role_in(v_step.conversation, v_step.actor_id);
  v_step := private.find_repeat(
    v_step,
    p_request || jsonb_build_object('conversation_id', p_conversation_id, 'input', v_step.input),
    p_client_action_id
  );
  if v_step.earlier is null then
    if p_expected_version is not null then
      perform private.check_version(v_step.conversation, v_step.actor_id, p_expected_version);
    end if;
    if (v_step.conversation).deadline_at <= clock_timestamp() then
      v_step.conversation := private.run_deadlines(v_step.conversation, p_is_trial => false);
    end if;
  end if;
  return v_step;
end;
$$;

-- Takes the action of a user's step, tells the user's other devices, and stores the data for a
-- repeat.
--
-- Args: the step of begin_action; the action and its input; how it was made, as for
-- private.announce_step. Returns the action result of docs/API.md. Locks: the conversation must be
-- locked already.
-- Writes: action_results, and as private.advance_conversation.
-- Errors: those of private.advance_conversation.
create or replace function private.finish_action(
  p_step private.flow_step,
  p_action text,
  p_input jsonb,
  p_event jsonb default null
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
begin
  v_step.action := p_action;
  v_step.input := coalesce(p_input, '{}');
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  return private.answer_step(private.advance_conversation(v_step, p_event));
end;
$$;

-- The answer to a taken step. It stores numbers and states for a repeat, never a text that may
-- expire.
--
-- Writes: action_results.
create or replace function private.answer_step(
  p_step private.flow_step,
  p_is_created boolean default null
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_last_seq constant bigint := (p_step.conversation).last_seq;
  v_update constant jsonb := private.flow_update_json(p_step);
begin
  if p_step.client_action_id is not null then
    insert into private.action_results (
      user_id, client_action_id, conversation_id, request_hash, first_seq, last_seq, flow_update,
      is_created
    )
    values (
      p_step.actor_id, p_step.client_action_id, (p_step.conversation).id, p_step.request_hash,
      v_last_seq - cardinality(p_step.messages) + 1, v_last_seq, v_update, p_is_created
    );
  end if;
  return private.action_result(
    p_step.conversation, p_step.actor_id, p_step.role, coalesce(p_step.heard, '[]'), v_update,
    p_is_created
  );
end;
$$;

-- An action result: `{success, conversation, messages, actions, flow_update}`, and `created` when
-- the call opens a deal.
create or replace function private.action_result(
  p_conversation private.conversations,
  p_user_id uuid,
  p_role text,
  p_messages jsonb,
  p_flow_update jsonb,
  p_is_created boolean
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := case
    when p_conversation.deadline_at <= now() then private.as_of_now(p_conversation)
    else p_conversation
  end;
  v_context constant json := private.step_context(p_conversation, p_user_id);
  v_actions constant json := private.actions_json(v_conversation, p_user_id, p_role);
begin
  if p_is_created is null then
    return json_build_object(
      'success', true, 'conversation', v_context, 'messages', p_messages, 'actions', v_actions,
      'flow_update', p_flow_update
    );
  end if;
  return json_build_object(
    'success', true, 'conversation', v_context, 'messages', p_messages, 'actions', v_actions,
    'flow_update', p_flow_update, 'created', p_is_created
  );
end;
$$;

-- The caller's context of a conversation whose row is given: as private.my_conversations, without
-- reading the row again; a test compares them. After a passed deadline it reads that view.
--
-- Args: the conversation as it is stored; the caller.
create or replace function private.step_context(
  p_conversation private.conversations,
  p_user_id uuid
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  c constant private.conversations := p_conversation;
begin
  if c.deadline_at <= now() then
    return (
      select row_to_json(mine)
      from private.my_conversations as mine
      where mine.conversation_id = c.id
    );
  end if;
  return (
    select row_to_json(mine)
    from (
      select
        c.id as conversation_id,
        c.kind,
        c.chat_status,
        c.flow_state,
        c.awaiting_role,
        coalesce(
          c.awaiting_role, case when c.kind <> 'direct' then s.waiting_on end, 'none'
        ) as waiting_on,
        c.automation_enabled,
        me.role as my_role,
        case when c.awaiting_role = me.role then (
          select m.action_data
          from public.messages as m
          where m.id = (c.current_action_data ->> 'action_id')::uuid
        ) end as current_action_data,
        c.flow_data,
        round(c.amount_minor / 100.0, 2) as price,
        c.amount_minor,
        c.currency,
        c.work_status,
        c.deadline_at,
        -- As private.base_version.
        c.version + c.last_seq + me.version + other.shared_version
          + coalesce(
            extract(
              epoch from (
                select m.expires_at
                from public.messages as m
                where m.conversation_id = c.id and m.expires_at <= now()
                order by m.expires_at desc
                limit 1
              )
            ) * 1000000,
            0
          )::bigint
          + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint as version,
        c.last_seq,
        me.read_seq,
        case
          when me.blocks_other or other.blocks_other then 0
          when not (me.shares_read_receipts and other.shares_read_receipts) then 0
          else other.read_seq
        end as other_read_seq,
        case
          when me.blocks_other or other.blocks_other then 0
          else other.delivered_seq
        end as other_delivered_seq,
        (
          select count(*)
          from (
            select from public.messages as m
            where m.conversation_id = c.id and m.seq > me.read_seq
              and m.sender_id <> me.user_id
              and m.caused_by is distinct from me.user_id
              and (m.visible_to = 'all' or m.receiver_id = me.user_id)
              and (m.expires_at is null or m.expires_at > now())
            order by m.seq desc
            limit 1000
          ) as unread
        ) as unread_count,
        (
          select json_build_object(
            'id', m.id, 'seq', m.seq, 'sender_id', m.sender_id, 'message_type', m.message_type,
            'message', left(m.message, 200), 'media_url', m.media_url, 'expires_at', m.expires_at,
            'attachment_names', case
              when m.expires_at is null then jsonb_path_query_array(m.attachments, '$[*].name')
            end,
            'created_at', m.created_at
          )
          from public.messages as m
          where m.conversation_id = c.id
            and (m.visible_to = 'all' or p_user_id in (m.sender_id, m.receiver_id))
            and (m.expires_at is null or m.expires_at > now())
          order by m.seq desc
          limit 1
        ) as last_message,
        json_build_object(
          'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', u.role,
          'last_seen_at', case
            when a.shares_last_seen and not me.blocks_other and not other.blocks_other
              then a.last_seen_at
          end,
          'is_deleted', a.user_id is null
        ) as other_party,
        coalesce(me.archived_seq = c.last_seq, false) as archived,
        me.pinned_at is not null as pinned,
        me.muted_until,
        not me.blocks_other and not other.blocks_other and a.user_id is not null and (
          c.chat_status = 'real_time' or c.chat_status <> 'closed' and coalesce(s.free_text, false)
        ) and private.deal_instead(c) is null as free_text_allowed,
        c.created_at,
        c.updated_at,
        now() as server_now,
        coalesce(
          other.typing_until > now() and not me.blocks_other and not other.blocks_other, false
        ) as other_typing,
        case when c.kind <> 'direct' then json_build_object(
          'captured_minor', c.captured_minor, 'held_minor', c.held_minor,
          'released_minor', c.released_minor, 'fee_minor', c.fee_minor,
          'refunded_minor', c.refunded_minor, 'charged_back_minor', c.charged_back_minor
        ) end as escrow,
        c.delivery_due_at,
        c.bid_id,
        c.campaign_id,
        c.request_id,
        c.work_submission,
        c.work_submitted,
        c.submission_date,
        c.close_reason
      from private.participants as me
      join private.participants as other
        on other.conversation_id = c.id and other.user_id <> me.user_id
      join public.users as u on u.id = other.user_id
      left join private.accounts as a on a.user_id = other.user_id
      left join private.flow_states as s on s.flow_id = c.flow_id and s.state = c.flow_state
      where me.conversation_id = c.id and me.user_id = p_user_id
    ) as mine
  );
end;
$$;

-- Recognizes a repeat: returns the step with its client's id and the hash of its request, and, when
-- this id was used before, the answer in earlier. The answer is composed anew, without messages
-- that have disappeared since.
--
-- Args: the step, with its actor; the request; the client's id of it (null: never a repeat).
-- Errors: IDEMPOTENCY_MISMATCH (409) when the id was used for something else.
create or replace function private.find_repeat(
  p_step private.flow_step,
  p_request jsonb,
  p_client_action_id uuid
)
returns private.flow_step
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_earlier private.action_results;
  v_conversation private.conversations;
begin
  if p_client_action_id is null then
    return v_step;
  end if;
  v_step.client_action_id := p_client_action_id;
  -- A hash recognizes a repeat without keeping the typed text.
  v_step.request_hash := sha256(convert_to(p_request::text, 'utf8'));
  select r.* into v_earlier
  from private.action_results as r
  where r.user_id = p_step.actor_id and r.client_action_id = p_client_action_id;
  if not found then
    return v_step;
  end if;
  if v_earlier.request_hash <> v_step.request_hash then
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This client_action_id was used for another action.',
      p_status => 409, p_hint => 'Make a new id for each action; repeat one with its own.'
    );
  end if;
  v_conversation := private.read_conversation(v_earlier.conversation_id, p_step.actor_id);
  v_step.earlier := private.action_result(
    v_conversation, p_step.actor_id, p_step.role,
    (
      select coalesce(jsonb_agg(to_jsonb(m) order by m.seq), '[]')
      from private.my_messages as m
      where m.conversation_id = v_conversation.id
        and m.seq between v_earlier.first_seq and v_earlier.last_seq
    ),
    v_earlier.flow_update, v_earlier.is_created
  );
  return v_step;
end;
$$;

-- Refuses an action that a user decided on before the newest step of the flow. Messages, receipts
-- and preferences change a context's version too, but refuse nothing. A due step counts as taken,
-- as for every reader.
--
-- Args: the conversation, before its due steps are written; the user; the version that the user
-- saw.
-- Errors: VERSION_CONFLICT (409) `{version}`.
create or replace function private.check_version(
  p_conversation private.conversations,
  p_user_id uuid,
  p_expected_version bigint
)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_stored bigint;
  v_stepped bigint;
  v_now bigint;
begin
  select v.version, p.stepped_version into v_stored, v_stepped
  from private.conversation_versions(p_conversation) as v
  join private.participants as p
    on p.conversation_id = p_conversation.id and p.user_id = v.user_id
  where v.user_id = p_user_id;
  select v.version into v_now
  from private.conversation_versions(private.as_of_now(p_conversation)) as v
  where v.user_id = p_user_id;
  if p_expected_version not between v_stepped + v_now - v_stored and v_now
    -- A time limit has passed while the call waited for the conversation.
    or p_conversation.deadline_at > now() and p_conversation.deadline_at <= clock_timestamp() then
    perform private.raise_error(
      'VERSION_CONFLICT', 'The conversation has moved on since you looked.',
      jsonb_build_object('version', v_now), p_status => 409,
      p_hint => 'Read the conversation again, then decide.'
    );
  end if;
end;
$$;

grant execute on function private.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;
grant execute on function public.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;

-- source: 44_flow_proof/draft_flows.sql sha256:8ff6ccc1f75862f411febaec9adb2dbaf1d95ca84fa076f189dfcfe84bb9cbf2
-- The drafts that a source's rows go into: those of one kind, of both kinds of deals (`deals`), or
-- of all kinds (`all`).
--
-- Drafts exist only while a transaction makes and publishes them; see 80_data.
create or replace function private.draft_flows(p_kinds text)
returns setof bigint
language sql
stable
set search_path = ''
as $$
  select f.id
  from private.flow_definitions as f
  where f.status = 'draft'
    and case p_kinds
      when 'all' then true
      when 'deals' then f.kind in ('bid', 'campaign')
      else f.kind = p_kinds
    end;
$$;

-- source: 44_flow_proof/flow_facts.sql sha256:88a444ced558e262c7c770b06308276009cf55b1828a0032195ffd82d1293b9e
-- The facts about inputs and roles that the proof uses. Those about guards and effects are beside
-- their code: private.flow_guards in failed_guards.sql, private.flow_effects in flow_effects.sql.

-- The roles that the two members of a conversation of this kind have in its flow.
create or replace function private.list_party_roles(p_kind text)
returns text[]
language sql
immutable
set search_path = ''
as $$
  select case p_kind when 'direct' then '{member}' else '{influencer,brand_owner}' end::text[];
$$;

-- The guards that count: the rule with their limit, and the effect that counts. A row with a guard
-- and its effect can be taken only so often.
create or replace view private.flow_allowances as
select a.guard, a.rule, a.effect
from (
  values
    ('has_round_left', 'max_rounds', null),
    ('is_earlier_round', 'max_rounds', 'make_offer'),
    ('is_last_round', 'max_rounds', 'make_offer'),
    ('has_return_left', 'max_returns', 'count_return'),
    ('has_question_left', 'max_questions', 'count_question'),
    ('has_revision_left', 'max_revisions', 'request_revision'),
    ('has_withdrawal_left', 'max_withdrawals', 'withdraw_submission'),
    ('has_extension_left', 'max_extensions', 'propose_extension'),
    ('has_cancellation_left', 'max_cancellations', 'propose_cancellation'),
    ('has_dispute_left', 'max_disputes', 'open_dispute'),
    ('has_closing_left', 'max_closings_a_day', 'close'),
    ('has_reopening_left', 'max_closings_a_day', 'reopen'),
    ('is_unrated', null, 'keep_rating')
) as a (guard, rule, effect);

-- The input fields that effects and guards read: the type of a field, whether it is required, its
-- bounds as a number or in characters, and whether it must stay out of the history, which both
-- sides read. role: only rows of that role need it.
create or replace view private.flow_needs as
select
  n.name, n.role, n.field, n.types::text[], n.is_required, n.low, n.high, n.max_length, n.is_secret
from (
  values
    -- Prices
    ('make_offer', null, 'price', '{price}', true, null, null, null, false),
    ('make_counter', null, 'price', '{price}', true, null, null, null, false),
    ('agree_on_offer', null, 'price', '{price}', false, null, null, null, false),
    ('agree_on_counter', null, 'price', '{price}', false, null, null, null, false),
    ('agree_on_quote', null, 'price', '{price}', false, null, null, null, false),
    ('offer_matches', null, 'price', '{price}', false, null, null, null, false),
    ('counter_matches', null, 'price', '{price}', false, null, null, null, false),
    ('quote_matches', null, 'price', '{price}', false, null, null, null, false),
    ('propose_cancellation', null, 'refund_amount', '{price}', false, null, null, null, false),
    ('request_split_refund', null, 'refund_amount', '{price}', true, null, null, null, false),

    -- Texts
    ('keep_details', null, 'details', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'deliverables', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'description', '{text,textarea}', false, null, null, 5000, false),
    (
      'store_submission', null, 'submission_notes', '{text,textarea}', false, null, null, 5000,
      false
    ),
    ('store_submission', null, 'attachments', '{file}', false, null, null, null, false),
    ('request_revision', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),
    ('approve_work', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),

    -- Numbers
    ('keep_rating', null, 'rating', '{integer}', true, 1, 5, null, true),
    ('keep_rating', null, 'comment', '{text,textarea}', false, null, null, 1000, true),
    ('propose_extension', null, 'days', '{integer}', true, 1, 365, null, false),

    -- Input of the gateway and of operators
    ('hold_funds', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('hold_funds', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('hold_funds', null, 'currency', '{text}', true, null, null, 3, false),
    ('bounce_payment', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('bounce_payment', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('bounce_payment', null, 'currency', '{text}', true, null, null, 3, false),
    ('is_new_payment', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('capture_matches', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('capture_matches', null, 'currency', '{text}', true, null, null, 3, false),
    ('settle_refund', null, 'reference', '{text}', false, null, null, 200, false),
    ('settle_refund', 'admin', 'reference', '{text}', true, null, null, 200, false),
    ('settle_refund', null, 'note', '{text,textarea}', false, null, null, 5000, true),
    ('close_dispute', null, 'note', '{text,textarea}', false, null, null, 5000, true)
) as n (name, role, field, types, is_required, low, high, max_length, is_secret);

-- source: 44_flow_proof/flow_moves.sql sha256:375b1973b57dfbfd923afeec830739661e0c5c5edacc58ff49a792e99bde2ad9
-- The search through a flow: every situation that a conversation can reach, and every move between
-- situations.

-- The kind of each state of a flow: the `start`, in which no conversation is stored; `passing`,
-- which the system leaves in the same transaction; `platform`, which waits for the provider or an
-- operator; `talk`, with free text and no deadline; the `end`; every other state is a `turn` of a
-- party, which may have free text as well.
create or replace view private.flow_places as
select
  s.flow_id,
  s.state,
  case
    when s.state = 'initial' then 'start'
    when s.state = 'chat_closed' then 'end'
    when passed.through then 'passing'
    when s.waiting_on <> 'none' then 'platform'
    when s.free_text and s.clock is null then 'talk'
    else 'turn'
  end as place
from private.flow_states as s
cross join lateral (
  select coalesce(bool_and(into_it.follow_up is not distinct from out_of_it.action), false)
  from private.flow_transitions as out_of_it
  join private.flow_transitions as into_it
    on into_it.flow_id = out_of_it.flow_id and into_it.to_state = out_of_it.from_state
  where out_of_it.flow_id = s.flow_id and out_of_it.from_state = s.state
    and out_of_it.role = 'system' and s.clock is null
) as passed (through);

-- The transitions of every flow, numbered, with facts about each for the proof.
--
-- is_certain: only the situation and the actor decide whether it can be taken. is_granted: these
-- and an allowance of the actor. counts_down: it uses up a part of an allowance. undoes: it takes
-- back the actor's own step. is_timer: a deadline takes it. is_fact: the provider or the bank
-- reports it. moves_money: it has an effect on the money, which must be in money_before.
create or replace view private.flow_rows as
select
  t.flow_id,
  row_number() over (
    partition by t.flow_id order by t.from_state, t.role, t.action, t.position
  )::integer as number,
  t.name,
  t.role,
  t.action,
  t.guards,
  t.from_state,
  t.to_state,
  t.awaiting,
  t.effects,
  not t.guards && array(
    select g.name from private.flow_guards as g where g.certainty in ('open', 'counted')
  ) as is_certain,
  not t.guards && array(
    select g.name from private.flow_guards as g where g.certainty = 'open'
  ) as is_granted,
  exists (
    select from private.flow_allowances as a
    where a.guard = any (t.guards) and a.effect = any (t.effects)
  ) as counts_down,
  t.guards && array(select g.name from private.flow_guards as g where g.undoes) as undoes,
  t.role = 'system' and t.action is not distinct from s.deadline_action as is_timer,
  t.role = 'system' and t.action is distinct from s.deadline_action and not exists (
    select from private.flow_transitions as before
    where before.flow_id = t.flow_id and before.to_state = t.from_state
      and before.follow_up = t.action
  ) as is_fact,
  mover.name is not null as moves_money,
  mover.money_before,
  mover.money_after
from private.flow_transitions as t
join private.flow_states as s on s.flow_id = t.flow_id and s.state = t.from_state
-- One at most: private.refute_rows refuses a second one.
left join lateral (
  select e.name, e.money_before, e.money_after
  from private.flow_effects as e
  where e.money_after is not null and e.name = any (t.effects)
  limit 1
) as mover on true;

-- A move of the search: a situation, the row of private.flow_rows, the next situation. This view
-- has the moves that open conversations, with a quote or without one; the moves that the search
-- finds are rows of its type.
--
-- depth counts the steps from the beginning including the move, so that the move of least depth
-- into a situation ends a shortest way to it. key identifies a situation. Money is `broken` when an
-- effect did not find it in the state it needs; the search stops there.
create or replace view private.flow_moves as
select
  f.id as flow_id,
  0 as depth,
  -- The situation that it leaves
  null::text as from_key,
  null::text as from_state,
  null::text as from_awaiting,
  null::text as from_money,
  -- The row
  null::integer as number,
  null::text as role,
  null::text as action,
  null::boolean as is_certain,
  null::boolean as is_granted,
  null::boolean as counts_down,
  null::boolean as undoes,
  null::boolean as is_timer,
  null::boolean as is_fact,
  -- The situation that it leads to
  'initial' || quote.is_given::text as key,
  'initial'::text as state,
  null::text as awaiting,
  'none'::text as money,
  false as has_order,
  quote.is_given as has_quote,
  0 as round,
  false as has_counter,
  0 as revisions,
  false as has_submission,
  false as has_extension,
  null::text as requester,
  null::text as dispute_origin,
  null::text as dispute_opener,
  null::text as resume_state
from private.flow_definitions as f
cross join (values (false), (true)) as quote (is_given)
where f.kind = 'campaign' or not quote.is_given;

-- Every move that can follow some moves. It defines the meaning of guards and effects for the
-- proof.
--
-- The search drops values that no later row may read, so that situations which differ only in them
-- are one: the negotiation once a price is agreed or the chat closes, the quote once the
-- application is answered, revisions, submissions and pauses once the money goes. A row that reads
-- them anyway can never be taken, and P1 refuses it.
create or replace function private.take_flow_rows(
  p_flow_id bigint,
  p_moves private.flow_moves[]
)
returns setof private.flow_moves
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
  v_max_rounds constant integer := coalesce((v_rules ->> 'max_rounds')::integer, 0);
  v_max_revisions constant integer
    := coalesce((v_rules ->> 'max_revisions')::integer, 0);
begin
  return query
  select
    p_flow_id, s.depth + 1, s.key, s.state, s.awaiting, s.money,
    r.number, r.role, r.action, r.is_certain, r.is_granted, r.counts_down, r.undoes, r.is_timer,
    r.is_fact, next::text, next.*
  from unnest(p_moves) as s
  join private.flow_rows as r on r.flow_id = p_flow_id and r.from_state = s.state
  cross join lateral (
    select
      r.to_state,
      case r.awaiting
        when 'unchanged' then s.awaiting
        when 'other' then
          case r.role when 'influencer' then 'brand_owner' when 'brand_owner' then 'influencer' end
        else r.awaiting
      end,
      case
        when not r.moves_money then s.money
        when s.money = r.money_before then r.money_after
        else 'broken'
      end,
      s.has_order or 'open_order' = any (r.effects),
      s.has_quote and (r.role = 'influencer' or r.from_state <> 'initial')
        and not r.effects && '{accept_request,reject_request,close}',
      case
        when r.effects && '{agree_on_offer,agree_on_counter,agree_on_quote,close}' then null
        when 'make_offer' = any (r.effects) then least(s.round, v_max_rounds) + 1
        else s.round
      end,
      case
        when r.effects && '{agree_on_offer,agree_on_counter,agree_on_quote,close,make_offer}'
          then false
        else s.has_counter or 'make_counter' = any (r.effects)
      end,
      case
        when r.money_after in ('refunding', 'settled') or 'close' = any (r.effects) then null
        when 'request_revision' = any (r.effects) then least(s.revisions, v_max_revisions) + 1
        else s.revisions
      end,
      case
        when r.money_after in ('refunding', 'settled') or 'close' = any (r.effects) then false
        when 'store_submission' = any (r.effects) then true
        -- The submission before, whose revision was requested, counts again.
        when 'withdraw_submission' = any (r.effects) then coalesce(s.revisions > 0, false)
        else s.has_submission
      end,
      (s.has_extension or 'propose_extension' = any (r.effects))
        and not r.effects && '{accept_extension,drop_extension}',
      case
        when 'propose_cancellation' = any (r.effects) then r.role
        when 'drop_cancellation' <> all (r.effects) then s.requester
      end,
      case
        when 'escalate' = any (r.effects) then 'clock'
        when 'open_dispute' = any (r.effects) then
          case r.role when 'system' then 'bank' when 'admin' then 'admin' else 'party' end
        when 'close_dispute' <> all (r.effects) then s.dispute_origin
      end,
      case
        when 'open_dispute' = any (r.effects) then
          case when r.role not in ('system', 'admin') then r.role end
        when 'close_dispute' <> all (r.effects) then s.dispute_opener
      end,
      case
        when r.effects && '{open_dispute,escalate}' then coalesce(s.resume_state, r.from_state)
        when 'propose_cancellation' = any (r.effects) then r.from_state
        when coalesce(r.money_after, '') not in ('refunding', 'settled')
          and not r.effects && '{resume,close}'
          then s.resume_state
      end
  ) as next
  where s.money <> 'broken'
    -- The guards that do not hold here.
    and not r.guards && array[
      case when s.awaiting is distinct from r.role then 'is_awaited' end,
      case when s.requester is distinct from r.role then 'is_requester' end,
      case when s.dispute_opener is distinct from r.role then 'is_opener' end,
      case when not s.has_quote then 'has_quote' end,
      case when not s.has_counter then 'has_counter' end,
      case when (s.round < v_max_rounds) is not true then 'has_round_left' end,
      case when (s.round + 1 < v_max_rounds) is not true then 'is_earlier_round' end,
      case when (s.round + 1 >= v_max_rounds) is not true then 'is_last_round' end,
      case when (s.revisions < v_max_revisions) is not true then 'has_revision_left' end,
      case when not s.has_extension then 'has_extension' end,
      case when not s.has_submission then 'has_submission' end,
      case when s.has_submission then 'has_no_submission' end,
      case when s.resume_state is distinct from r.to_state then 'was_there' end,
      case when not s.has_order then 'has_order' end,
      case when s.money <> 'none' then 'nothing_captured' end,
      case when s.dispute_origin is distinct from 'bank' then 'is_bank_dispute' end
    ];
end;
$$;

-- All moves of a flow, from every situation that can be reached. Null for a flow with too many
-- situations for a quick proof.
--
-- A breadth-first search with two statements per level. The rules bound it: private.refute_rules.
create or replace function private.walk_flow(p_flow_id bigint)
returns private.flow_moves[]
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Five times as many as our flows have under their largest rules.
  c_most constant integer := 5000;
  v_newest private.flow_moves[] := array(
    select m from private.flow_moves as m where m.flow_id = p_flow_id
  );
  v_moves private.flow_moves[] := v_newest;
  v_taken private.flow_moves[];
  v_keys text[] := array[]::text[];
begin
  loop
    v_keys := v_keys || array(select n.key from unnest(v_newest) as n);
    v_taken := array(select t from private.take_flow_rows(p_flow_id, v_newest) as t);
    v_newest := array(
      select distinct on (t.key) t
      from unnest(v_taken) as t
      where not exists (select from unnest(v_keys) as k (key) where k.key = t.key)
      order by t.key, t.from_key, t.number
    );
    v_moves := v_moves || v_taken;
    exit when cardinality(v_newest) = 0;
    if cardinality(v_keys) + cardinality(v_newest) > c_most then
      return null;
    end if;
  end loop;
  return v_moves;
end;
$$;

-- The way to a situation, as an array of "role action -> state" from the beginning; then the row of
-- the given number, if any. A null situation gives an empty array.
--
-- Args: the first move that the search found into each situation.
create or replace function private.tell_flow_path(
  p_first_moves private.flow_moves[],
  p_key text,
  p_flow_id bigint,
  p_number integer
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    with recursive way (depth, from_key, step) as (
      select m.depth, m.from_key, format('%s %s -> %s', m.role, m.action, m.state)
      from unnest(p_first_moves) as m
      where m.key = p_key
      union all
      select m.depth, m.from_key, format('%s %s -> %s', m.role, m.action, m.state)
      from way as w
      join unnest(p_first_moves) as m on m.key = w.from_key
    ),
    steps (depth, step) as (
      select w.depth, w.step from way as w where w.from_key is not null
      union all
      select null, format('%s %s -> %s', r.role, r.action, r.to_state)
      from private.flow_rows as r
      where r.flow_id = p_flow_id and r.number = p_number
    )
    select coalesce(jsonb_agg(s.step order by s.depth nulls last), '[]') from steps as s
  );
end;
$$;

-- source: 44_flow_proof/load_flow_draft.sql sha256:71d1dba558bfe9cb26a41ba496870b59d86013a06ddee390eba6d80cf39354fc
-- Makes a draft of a flow from `{kind, rules, states, transitions, messages, actions, inputs,
-- traces}`; the lists hold objects whose keys are the columns of the tables flow_…, without
-- flow_id. Missing keys have the table's default. Returns the draft's id.
--
-- private.flow_spec is the inverse. A value that breaks a type, a key or a CHECK of the tables ends
-- the call with the error of Postgres; private.try_load turns it into a sentence.
-- Writes: flow_definitions, flow_states, flow_transitions, flow_messages, flow_actions,
-- flow_inputs, flow_traces.
create or replace function private.load_flow_draft(p_spec jsonb)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_flow_id bigint;
  v_key jsonb;
begin
  insert into private.flow_definitions (kind, rules)
  values (p_spec ->> 'kind', coalesce(p_spec -> 'rules', '{}'))
  returning id into v_flow_id;
  v_key := jsonb_build_object('flow_id', v_flow_id);

  insert into private.flow_states
  select made.*
  from jsonb_array_elements(p_spec -> 'states') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_states,
    jsonb '{"waiting_on": "none", "free_text": false}' || given.item || v_key
  ) as made;
  insert into private.flow_transitions
  select made.*
  from jsonb_array_elements(p_spec -> 'transitions') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_transitions, jsonb '{"guards": [], "effects": []}' || given.item || v_key
  ) as made;
  insert into private.flow_messages
  select made.*
  from jsonb_array_elements(p_spec -> 'messages') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_messages, given.item || v_key
  ) as made;
  insert into private.flow_actions
  select made.*
  from jsonb_array_elements(p_spec -> 'actions') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_actions,
    jsonb '{"style": "secondary", "drawn": "button"}' || given.item || v_key
  ) as made;
  insert into private.flow_inputs
  select made.*
  from jsonb_array_elements(p_spec -> 'inputs') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_inputs,
    jsonb '{"required": false, "is_secret": false}' || given.item || v_key
  ) as made;
  insert into private.flow_traces
  select made.*
  from jsonb_array_elements(p_spec -> 'traces') as given (item)
  cross join lateral jsonb_populate_record(
    null::private.flow_traces, given.item || v_key
  ) as made;
  return v_flow_id;
end;
$$;

-- A flow as the object that private.load_flow_draft makes a draft from, its rows in a fixed order:
-- two flows are the same when their specs are equal.
create or replace function private.flow_spec(p_flow_id bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'kind', f.kind,
      'rules', f.rules,
      'states', (
        select coalesce(jsonb_agg(to_jsonb(s) - 'flow_id' order by s.position, s.state), '[]')
        from private.flow_states as s
        where s.flow_id = f.id
      ),
      'transitions', (
        select coalesce(
          jsonb_agg(
            to_jsonb(t) - 'flow_id' order by t.position, t.from_state, t.role, t.action
          ),
          '[]'
        )
        from private.flow_transitions as t
        where t.flow_id = f.id
      ),
      'messages', (
        select coalesce(
          jsonb_agg(to_jsonb(m) - 'flow_id' order by m.transition, m.position), '[]'
        )
        from private.flow_messages as m
        where m.flow_id = f.id
      ),
      'actions', (
        select coalesce(
          jsonb_agg(
            to_jsonb(a) - 'flow_id' order by a.state, a.role, a.position, a.action
          ),
          '[]'
        )
        from private.flow_actions as a
        where a.flow_id = f.id
      ),
      'inputs', (
        select coalesce(
          jsonb_agg(to_jsonb(i) - 'flow_id' order by i.action, i.position, i.field), '[]'
        )
        from private.flow_inputs as i
        where i.flow_id = f.id
      ),
      'traces', (
        select coalesce(jsonb_agg(to_jsonb(w) - 'flow_id' order by w.name), '[]')
        from private.flow_traces as w
        where w.flow_id = f.id
      )
    )
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
end;
$$;

-- Makes a draft of a spec, or returns in p_violations why its rows cannot be stored (then p_flow_id
-- is null, and nothing is written).
--
-- Writes: as load_flow_draft.
create or replace function private.try_load(
  p_spec jsonb,
  p_flow_id out bigint,
  p_violations out jsonb
)
returns record
language plpgsql
set search_path = ''
as $$
declare
  v_said text;
begin
  p_violations := (
    select jsonb_agg(to_jsonb(s) || '{"counter_example": []}') from private.refute_size(p_spec) as s
  );
  if p_violations is null then
    p_violations := (
      select jsonb_agg(to_jsonb(k) || '{"counter_example": []}')
      from private.refute_keys(p_spec) as k
    );
  end if;
  if p_violations is null then
    p_flow_id := private.load_flow_draft(p_spec);
  end if;
-- Errors of a spec that breaks the tables' types, keys and checks.
exception when data_exception or integrity_constraint_violation or program_limit_exceeded then
  get stacked diagnostics v_said = message_text;
  p_flow_id := null;
  p_violations := jsonb_build_array(
    jsonb_build_object(
      'property', 'shape',
      'message', format('The rows of the flow cannot be stored: %s.', v_said),
      'counter_example', '[]'::jsonb
    )
  );
end;
$$;

-- Shape: a spec has the size of a flow. Finds a spec, list or text that is too large, and then
-- nothing else.
create or replace function private.refute_size(p_spec jsonb)
returns table (property text, message text)
language plpgsql
stable
set search_path = ''
as $$
declare
  c_bytes constant integer := 2 * 1024 * 1024;
  c_characters constant integer := 5000;
  c_lists constant jsonb := jsonb_build_object(
    'states', 200, 'transitions', 2000, 'messages', 2000, 'actions', 2000, 'inputs', 2000,
    'traces', 200
  );
  v_lists constant jsonb := (
    select coalesce(jsonb_object_agg(l.key, l.value), '{}')
    from jsonb_each(case jsonb_typeof(p_spec) when 'object' then p_spec else '{}' end) as l
    where c_lists ? l.key and jsonb_typeof(l.value) = 'array'
  );
begin
  if octet_length(p_spec::text) > c_bytes then
    return query select 'shape', 'The flow is larger than 2 MB.';
    return;
  end if;
  return query
  select 'shape', format('There are more than %s %s.', most.value, most.key)
  from jsonb_each(c_lists) as most
  where jsonb_array_length(v_lists -> most.key) > most.value::integer;
  if found then
    return;
  end if;
  return query
  select distinct
    'shape',
    format('One of the %s has a %s of more than %s characters.', l.key, c.key, c_characters)
  from jsonb_each(v_lists) as l
  cross join lateral jsonb_array_elements(l.value) as item (body)
  cross join lateral jsonb_each_text(
    case jsonb_typeof(item.body) when 'object' then item.body else '{}' end
  ) as c
  where char_length(c.value) > c_characters;
end;
$$;

-- Shape: the objects of a flow's spec have only the columns of the tables flow_… as keys. Finds
-- other keys: a misspelt one would otherwise be a silent default.
create or replace function private.refute_keys(p_spec jsonb)
returns table (property text, message text)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  with lists (name, columns) as (
    values
      ('states', to_jsonb(jsonb_populate_record(null::private.flow_states, '{}'))),
      ('transitions', to_jsonb(jsonb_populate_record(null::private.flow_transitions, '{}'))),
      ('messages', to_jsonb(jsonb_populate_record(null::private.flow_messages, '{}'))),
      ('actions', to_jsonb(jsonb_populate_record(null::private.flow_actions, '{}'))),
      ('inputs', to_jsonb(jsonb_populate_record(null::private.flow_inputs, '{}'))),
      ('traces', to_jsonb(jsonb_populate_record(null::private.flow_traces, '{}')))
  )
  select 'shape', format('There is no list %s in a flow.', key.name)
  from jsonb_object_keys(p_spec) as key (name)
  where key.name not in ('kind', 'rules') and key.name not in (select l.name from lists as l)
  union
  select 'shape', format('%s have no %s.', l.name, key.name)
  from lists as l
  cross join lateral jsonb_array_elements(p_spec -> l.name) as item (body)
  cross join lateral jsonb_object_keys(item.body) as key (name)
  where key.name = 'flow_id' or not l.columns ? key.name
  order by 2;
end;
$$;

-- source: 44_flow_proof/prove_flow.sql sha256:dfaef410ecb099073c70ea95e1195a681591b541586b3d856c469b96cbdb570e
-- The proof of a flow: `{states, extended_states, edges, violations: [{property, message,
-- counter_example}]}`, of the properties P1 to P15 and of its shape. A flow that breaks any cannot
-- be published; docs/FLOW.md explains them.
--
-- Each message comes once, with the shortest way to the fault, as an array of "role action ->
-- state" from the beginning.
create or replace function private.prove_flow(p_flow_id bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_moves private.flow_moves[];
  v_first_moves private.flow_moves[];
  v_violations jsonb;
begin
  v_violations := (
    select jsonb_agg(
      jsonb_build_object(
        'property', r.property, 'message', r.message, 'counter_example', '[]'::jsonb
      )
      order by r.message
    )
    from private.refute_rules(p_flow_id) as r
  );
  -- Without valid rules the search has no bounds.
  if v_violations is null then
    v_moves := private.walk_flow(p_flow_id);
    if v_moves is null then
      v_violations := jsonb_build_array(jsonb_build_object(
        'property', 'shape',
        'message', 'Too much is possible in the flow: name fewer states, or lower rules.',
        'counter_example', '[]'::jsonb
      ));
    end if;
  end if;
  if v_violations is not null then
    return jsonb_build_object(
      'states', 0, 'extended_states', 0, 'edges', 0, 'violations', v_violations
    );
  end if;

  v_first_moves := array(
    select distinct on (m.key) m
    from unnest(v_moves) as m
    order by m.key, m.depth, m.from_key, m.number
  );

  with broken as materialized (
    select r.* from private.refute_rows(p_flow_id) as r
    union all select r.* from private.refute_inputs(p_flow_id) as r
    union all select r.* from private.refute_messages(p_flow_id) as r
    union all select r.* from private.refute_reach(p_flow_id, v_moves) as r
    union all select r.* from private.refute_turns(p_flow_id, v_moves) as r
    union all select r.* from private.refute_exits(p_flow_id, v_moves) as r
    union all select r.* from private.refute_clocks(p_flow_id, v_moves) as r
    union all select r.* from private.refute_money(p_flow_id, v_moves, v_first_moves) as r
  ),
  nearest as (
    select distinct on (b.property, b.message) b.*
    from broken as b
    left join unnest(v_first_moves) as m on m.key = b.key
    order by b.property, b.message, m.depth, b.key, b.number
  ),
  told (property, message, counter_example) as (
    select
      n.property, n.message,
      private.tell_flow_path(v_first_moves, n.key, p_flow_id, n.number)
    from nearest as n
    union all select l.* from private.refute_loops(p_flow_id, v_moves, v_first_moves) as l
    union all select t.* from private.refute_traces(p_flow_id, v_moves) as t
  )
  select coalesce(
    -- P2 before P10, and the shape last.
    jsonb_agg(
      to_jsonb(t) order by t.property = 'shape', char_length(t.property), t.property, t.message
    ),
    '[]'
  )
  into v_violations
  from told as t;
  return jsonb_build_object(
    'states', (select count(distinct m.state) from unnest(v_moves) as m),
    'extended_states', cardinality(v_first_moves),
    'edges', (select count(m.from_key) from unnest(v_moves) as m),
    'violations', v_violations
  );
end;
$$;

-- source: 44_flow_proof/publish_flow.sql sha256:97ecfe0175d9a7a04b1ecc7d7bda671bc9db2846425e5949e2b04204e9aa9729
-- RPC: operators publish a flow as the next version of its kind; returns `{kind, version}`.
create or replace function public.publish_flow(spec jsonb)
returns jsonb
language sql
set search_path = ''
as $$
  select private.publish_flow(spec);
$$;

-- Publishes a flow as the next version of its kind; new conversations start on it. The flow that is
-- already in use changes nothing. Returns `{kind, version}` of the flow now in use.
--
-- Definer: clients may neither read nor write flows.
-- Locks: as publish_draft. Writes: as load_flow_draft and publish_draft.
-- Errors: FORBIDDEN (403), FLOW_UNSOUND (422) `{violations}`.
create or replace function private.publish_flow(p_spec jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_loaded record;
begin
  perform private.require_operator();
  v_loaded := private.try_load(p_spec);
  if v_loaded.p_flow_id is null then
    perform private.raise_flow_unsound(v_loaded.p_violations);
  end if;
  perform private.publish_draft(v_loaded.p_flow_id);
  return (
    select jsonb_build_object('kind', f.kind, 'version', f.version)
    from private.flow_definitions as f
    where f.kind = p_spec ->> 'kind' and f.status = 'published'
  );
end;
$$;

-- Proves a draft and makes it the next version of its kind; the version before is retired. A draft
-- with the same rows as the flow in use is dropped.
--
-- New conversations start on it; running ones keep theirs. Publishers of one kind wait for each
-- other.
-- Locks: publishing of this kind (advisory). Writes: flow_definitions, flow_screens.
-- Errors: FLOW_UNSOUND (422) `{violations}`.
create or replace function private.publish_draft(p_flow_id bigint)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_kind text;
  v_violations jsonb;
begin
  select f.kind into strict v_kind
  from private.flow_definitions as f
  where f.id = p_flow_id and f.status = 'draft';
  perform pg_advisory_xact_lock(hashtextextended('publish_draft:' || v_kind, 0));

  if exists (
    select from private.flow_definitions as f
    where f.kind = v_kind and f.status = 'published'
      and private.flow_spec(f.id) = private.flow_spec(p_flow_id)
  ) then
    delete from private.flow_definitions as f where f.id = p_flow_id;
    return;
  end if;

  v_violations := private.prove_flow(p_flow_id) -> 'violations';
  if jsonb_array_length(v_violations) > 0 then
    perform private.raise_flow_unsound(v_violations);
  end if;
  perform private.keep_screens(p_flow_id);
  update private.flow_definitions as f
  set status = 'retired'
  where f.kind = v_kind and f.status = 'published';
  update private.flow_definitions as f
  set
    status = 'published',
    published_at = now(),
    version = 1 + coalesce(
      (select max(o.version) from private.flow_definitions as o where o.kind = v_kind), 0
    )
  where f.id = p_flow_id;
end;
$$;

-- Ends the call because a flow breaks a property of every flow.
--
-- Errors: FLOW_UNSOUND (422) `{violations}`.
create or replace function private.raise_flow_unsound(p_violations jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error(
    'FLOW_UNSOUND',
    format(
      'This flow cannot be published, %s found. The first: %s',
      case jsonb_array_length(p_violations)
        when 1 then 'a fault was'
        else jsonb_array_length(p_violations) || ' faults were'
      end,
      p_violations #>> '{0,message}'
    ),
    jsonb_build_object('violations', p_violations),
    p_status => 422,
    p_hint => 'Mend the flow, and try it with validate_flow.'
  );
end;
$$;

grant execute on function public.publish_flow(jsonb) to authenticated, service_role;
grant execute on function private.publish_flow(jsonb) to authenticated, service_role;

-- source: 44_flow_proof/refute_clocks.sql sha256:f45b1a3b94ce8d330e61a03cc62480e4dd2f8008c582cd7d7deb3e92202198e8
-- P6: nobody waits for ever, and no deal goes on for ever by deadlines alone. Wherever a party or
-- an operator is awaited there is a deadline with a moment to count from, and its step can be taken
-- in every situation and leads elsewhere. A state that waits for the provider needs no deadline,
-- because the app asks again. P14: no action of one side leaves the other side less than the whole
-- time of a state. Finds moves that make a party awaited without entering the state, or in a state
-- whose deadline counts from an earlier moment, where no effect of the move gives the whole time. A
-- party may shorten its own time.
create or replace function private.refute_clocks(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select
    'P6',
    case
      when s.clock is null then format('%s has no time limit.', s.state)
      when s.clock = 'since_payment' and m.money = 'none'
        then format('The time limit of %s counts from a payment that is not there.', s.state)
      else format('The time limit of %s leads nowhere.', s.state)
    end,
    m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where (
      p.place = 'turn' or p.place = 'platform' and s.waiting_on <> 'provider'
      or s.clock is not null
    )
    and m.money <> 'broken'
    and (
      s.clock = 'since_payment' and m.money = 'none'
      or (m.key, coalesce(s.deadline_action, '')) not in (
        select t.from_key, t.action
        from unnest(p_moves) as t
        where t.role = 'system' and t.is_certain and t.state <> t.from_state
      )
    );

  return query
  select
    'P14',
    format(
      'The %s has only the time that was left in %s after %s by the %s in %s.',
      m.awaiting, m.state, m.action, m.role, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where m.role <> m.awaiting and m.money <> 'broken'
    and case
      when m.state = m.from_state then m.awaiting is distinct from m.from_awaiting
      else s.clock = 'since_payment' and not exists (
        select from private.flow_effects as e where e.name = any (r.effects) and e.gives_time
      )
    end;
end;
$$;

-- source: 44_flow_proof/refute_exits.sql sha256:e79965d686a561aaead2160fede8681ad22ceebdb4e670f85769c4d434d2191d
-- P5: both parties can always leave, and blocking the other side always works. Finds situations of
-- a party's turn or of free talk where a party can neither close the conversation nor move the deal
-- to an operator or a refund; and situations where the step of a block cannot be taken. P9: an
-- operator can act wherever a party, an operator or the provider is awaited.
create or replace function private.refute_exits(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select
    'P5', format('The %s cannot leave in %s.', party.role, m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  join private.flow_definitions as f on f.id = p_flow_id
  cross join unnest(private.list_party_roles(f.kind)) as party (role)
  where p.place in ('turn', 'talk') and m.money <> 'broken'
    and (m.key, party.role) not in (
      select l.from_key, l.role
      from unnest(p_moves) as l
      join private.flow_places as there on there.flow_id = p_flow_id and there.state = l.state
      where l.is_granted and l.role is not null and there.place in ('end', 'platform')
    );

  return query
  select
    'P5',
    format('A block by the %s in %s cannot do %s.', party.role, m.state, s.on_block), m.key,
    null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_definitions as f on f.id = p_flow_id
  cross join unnest(private.list_party_roles(f.kind)) as party (role)
  where s.on_block is not null and m.money <> 'broken'
    and (m.key, party.role, s.on_block) not in (
      select b.from_key, b.role, b.action
      from unnest(p_moves) as b
      where b.is_certain and b.from_key is not null
    );

  return query
  select 'P9', format('No operator can act in %s.', m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where p.place in ('turn', 'platform') and m.money <> 'broken'
    and m.key not in (
      select a.from_key from unnest(p_moves) as a where a.role = 'admin' and a.is_certain
    );
end;
$$;

-- source: 44_flow_proof/refute_inputs.sql sha256:ada9973e59540b5e53471b87ac7d1580c51d41db78dee9e0cfc66d8148baf456
-- Shape: the numbers of a flow are within bounds, and actions have the inputs that their effects
-- and guards read, as private.flow_needs has them.
create or replace function private.refute_inputs(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  -- Fields that are missing, optional, of another type, with wider bounds, or in the history where
  -- they must be secret; and required fields of moves that happen without an input.
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  inputs as materialized (
    select complete.*
    from private.flow_inputs as i
    cross join lateral private.complete_limits(i) as complete
    where i.flow_id = p_flow_id
  ),
  needed as (
    select distinct t.action, n.*
    from rows_of_flow as t
    join private.flow_needs as n
      on n.name = any (t.effects || t.guards) and coalesce(n.role, t.role) = t.role
  ),
  unasked (action) as (
    select s.deadline_action from private.flow_states as s where s.flow_id = p_flow_id
    union
    select s.on_block from private.flow_states as s where s.flow_id = p_flow_id
    union
    select t.action from rows_of_flow as t where t.from_state = 'initial'
    union
    select next.action
    from rows_of_flow as t
    join rows_of_flow as next
      on next.from_state = t.to_state and next.action = t.follow_up and next.role = 'system'
  ),
  said (message) as (
    select format('%s must have the required input %s, which %s needs.', n.action, n.field, n.name)
    from needed as n
    left join inputs as i on i.action = n.action and i.field = n.field
    where n.is_required and i.required is not true
    union all
    select wrong.message
    from needed as n
    join inputs as i on i.action = n.action and i.field = n.field
    cross join lateral (
      select format(
        'The input %s of %s must be of type %s, which %s needs.',
        n.field, n.action, array_to_string(n.types, ' or '), n.name
      )
      where i.type <> all (n.types)
      union all
      select format(
        'The input %s of %s must be from %s to %s, which %s needs.',
        n.field, n.action, n.low, n.high, n.name
      )
      where n.low is not null and (i.min >= n.low and i.max <= n.high) is not true
      union all
      select format(
        'The input %s of %s must have a max_length of %s at most, which %s needs.',
        n.field, n.action, n.max_length, n.name
      )
      where i.max_length > n.max_length
      union all
      select format(
        'The input %s of %s must be secret, which %s needs.', n.field, n.action, n.name
      )
      where n.is_secret and not i.is_secret
    ) as wrong (message)
    union all
    select format('%s happens without any input, but its input %s is required.', i.action, i.field)
    from inputs as i
    join unasked as u on u.action = i.action
    where i.required
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;

-- Shape: the numbers of a flow are known, whole and within bounds, and a flow of deals has all.
-- Finds the others.
create or replace function private.refute_rules(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind text;
  v_rules jsonb;
begin
  select f.kind, f.rules into strict v_kind, v_rules
  from private.flow_definitions as f
  where f.id = p_flow_id;

  return query
  select
    'shape',
    case
      when b.name is null then format('There is no rule %s.', rule.name)
      when rule.name is null then format('The rule %s is missing.', b.name)
      else format('The rule %s must be a whole number from %s to %s.', b.name, b.low, b.high)
    end,
    null::text, null::integer
  from (
    values
      ('max_rounds', 1, 20),
      ('max_revisions', 0, 50),
      ('max_questions', 0, 100),
      ('max_returns', 0, 100),
      ('max_withdrawals', 0, 100),
      ('max_extensions', 0, 100),
      ('max_cancellations', 0, 100),
      ('max_disputes', 0, 100),
      ('max_closings_a_day', 1, 100),
      ('delivery_days', 1, 365),
      ('revision_days', 1, 365),
      ('overdue_grace_days', 0, 365),
      ('attempt_hours', 1, 720),
      ('fee_basis_points', 0, 10000),
      ('rating_days', 1, 365)
  ) as b (name, low, high)
  full join jsonb_each_text(v_rules) as rule (name, value) on rule.name = b.name
  where case
    when b.name is null then true
    when rule.name is null then v_kind <> 'direct' and b.name <> 'max_closings_a_day'
    when rule.value ~ '^[0-9]{1,6}$' then rule.value::integer not between b.low and b.high
    else true
  end;
end;
$$;

-- source: 44_flow_proof/refute_loops.sql sha256:e8937ef4fcef505ee7abe66dc599110cb13c5903fb659e8235e8ed047a4c4321
-- P6: no deal goes on for ever by deadlines alone. Finds situations that lead back to themselves by
-- deadlines and their follow-ups only; the counter-example is one round. P13: every round of the
-- flow uses up a part of an allowance. Finds situations to which parties and deadlines lead back
-- without a move that counts down; operators and facts from outside may go round without a limit.
-- The counter-example is the shortest round, after the shortest way to it.
--
-- Args: all moves that the search found, and the first of them into each situation.
create or replace function private.refute_loops(
  p_flow_id bigint,
  p_moves private.flow_moves[],
  p_first_moves private.flow_moves[]
)
returns table (property text, message text, counter_example jsonb)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select
    'P6',
    format('A conversation in %s may come back there by itself, for ever.', round.state),
    round.steps
  from private.find_round(array(
    select m
    from unnest(p_moves) as m
    where m.is_timer
      or exists (
        select from private.flow_transitions as t
        where t.flow_id = p_flow_id and t.to_state = m.from_state and t.follow_up = m.action
          and m.role in (t.role, 'system')
      )
  )) as round;
  if found then
    return;
  end if;

  return query
  select
    'P13',
    format('Nothing counts down on a way from %s back to it.', round.state),
    private.tell_flow_path(p_first_moves, round.key, p_flow_id, null) || round.steps
  from private.find_round(array(
    select m
    from unnest(p_moves) as m
    -- A move that does not change the situation is no round: a payment that is tried again.
    where m.from_key <> m.key and m.role <> 'admin' and not m.is_fact and not m.counts_down
  )) as round;
end;
$$;

-- The shortest round of these moves: its first situation and its steps; no row without a round. Of
-- several the round that begins nearest to the beginning.
create or replace function private.find_round(p_moves private.flow_moves[])
returns table (key text, state text, steps jsonb)
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Reduced to the moves that are part of a round, or on the way from one round to another.
  v_moves private.flow_moves[] := p_moves;
  v_count integer;
  -- Ways of one length: the first and the present situation of each, and its steps, a line each.
  v_starts text[];
  v_keys text[];
  v_ways text[];
  v_known text[] := array[]::text[];
begin
  loop
    v_count := cardinality(v_moves);
    v_moves := array(
      select m
      from unnest(v_moves) as m
      where m.key in (select after.from_key from unnest(v_moves) as after)
        and m.from_key in (select before.key from unnest(v_moves) as before)
    );
    exit when cardinality(v_moves) = v_count;
  end loop;

  v_starts := array(select distinct m.from_key from unnest(v_moves) as m);
  v_keys := v_starts;
  v_ways := array_fill(''::text, array[cardinality(v_starts)]);
  while cardinality(v_starts) > 0 loop
    select array_agg(w.start), array_agg(w.at), array_agg(w.way)
    into v_starts, v_keys, v_ways
    from (
      select distinct on (before.start, m.key)
        before.start, m.key as at,
        concat_ws(e'\n', nullif(before.way, ''), format('%s %s -> %s', m.role, m.action, m.state))
          as way
      from unnest(v_starts, v_keys, v_ways) as before (start, at, way)
      join unnest(v_moves) as m on m.from_key = before.at
      where before.start || ' ' || m.key <> all (v_known)
      order by before.start, m.key, m.number
    ) as w;
    v_known := v_known || array(
      select w.start || ' ' || w.at from unnest(v_starts, v_keys) as w (start, at)
    );

    return query
    select m.from_key, m.from_state, to_jsonb(string_to_array(w.way, e'\n'))
    from unnest(v_starts, v_keys, v_ways) as w (start, at, way)
    join unnest(v_moves) as m on m.from_key = w.start
    where w.at = w.start
    order by m.depth, m.from_key
    limit 1;
    exit when found;
  end loop;
end;
$$;

-- source: 44_flow_proof/refute_messages.sql sha256:c8dd2e3ddb60ea45fd57e52c440fe5d88b13af669e17aeb4e03b4d595613bc18
-- Shape: messages reach a party that can take the offered actions, and their texts have only known
-- placeholders.
create or replace function private.refute_messages(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_parties constant text[] := (
    select private.list_party_roles(f.kind)
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
  -- Keys of flow_data that a deal may have and a blank conversation has not.
  c_kept constant text[] := array[
    'offer', 'counter', 'quote', 'proposed_amount', 'agreed_amount'
  ];
  -- Values that private.flow_values adds; it cannot be called without a conversation and its
  -- members.
  c_added constant text[] := array[
    'influencer', 'brand_owner', 'actor', 'other', 'role', 'subject', 'reason_hint'
  ];
  v_blank private.conversations;
  v_of_deal text[];
  v_of_step text[];
begin
  -- Messages to the actor where no party acts or to one of two members, offers of actions that
  -- their reader may not take next, and rows that lead to a party's turn without an automated
  -- message about it.
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  -- Each message of each row, with the parties that read it.
  read as materialized (
    select
      t.name, t.role, t.action, t.from_state, t.to_state, m.position, m.message_type, m.audience,
      m.buttons, reader.role as reader
    from private.flow_messages as m
    join rows_of_flow as t on t.name = m.transition
    left join unnest(v_parties) as reader (role)
      on case m.audience
        when 'all' then true
        when 'actor' then reader.role = t.role
        when 'other' then t.role = any (v_parties) and reader.role <> t.role
        else reader.role = m.audience
      end
    where m.flow_id = p_flow_id
  ),
  said (message) as (
    select format('A message of %s is for the %s, and there is none.', r.name, r.audience)
    from read as r
    where r.reader is null
    union all
    select format('A message of %s is for the %s, but members read everything.', r.name, r.audience)
    from read as r
    where r.reader = 'member' and r.audience <> 'all'
    union all
    select
      format('%s calls on the %s, who may do nothing in %s.', r.name, r.reader, r.to_state)
    from read as r
    where r.message_type = 'automated' and r.reader is not null
      and not exists (
        select from rows_of_flow as t where t.from_state = r.to_state and t.role = r.reader
      )
    union all
    select
      format('%s offers %s to the %s, who may not in %s.', r.name, b.action, r.reader, r.to_state)
    from read as r
    cross join lateral jsonb_object_keys(
      case jsonb_typeof(r.buttons) when 'object' then r.buttons else '{}' end
    ) as b (action)
    where r.reader is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = r.to_state and t.role = r.reader and t.action = b.action
      )
    union all
    select format('The buttons of a message of %s are no object of texts.', r.name)
    from read as r
    where jsonb_typeof(r.buttons) <> 'object'
      or r.buttons @? 'strict $.* ? (@.type() != "string" && @.type() != "null")'
    union all
    select
      format('%s leads to the turn of the %s and does not call on them.', t.name, next.role)
    from rows_of_flow as t
    cross join lateral (
      select case
        when t.awaiting = 'other' then private.other_role(t.role)
        else t.awaiting
      end
    ) as next (role)
    where t.to_state <> t.from_state and next.role = any (v_parties)
      and not exists (
        select from read as r
        where r.name = t.name and r.role = t.role and r.action = t.action
          and r.from_state = t.from_state and r.to_state = t.to_state
          and r.message_type = 'automated' and r.reader = next.role
      )
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;

  -- Placeholders that private.flow_values would leave empty in a message, private.deal_values in a
  -- button or form, private.advance_conversation in a reason.
  v_blank.flow_data := '{}';
  v_of_deal := c_kept || array(select jsonb_object_keys(private.deal_values(v_blank)));
  v_of_step := v_of_deal || c_added || array(
    select jsonb_object_keys(f.rules) from private.flow_definitions as f where f.id = p_flow_id
  );

  return query
  with texts (place, text, known, transition) as (
    select
      'A message of ' || m.transition,
      concat_ws(' ', m.text, m.title, m.subtitle, m.quote, m.buttons), v_of_step, m.transition
    from private.flow_messages as m
    where m.flow_id = p_flow_id
    union all
    select 'The action ' || a.action, concat_ws(' ', a.text, a.data), v_of_deal, null
    from private.flow_actions as a
    where a.flow_id = p_flow_id
    union all
    select 'The input ' || i.field, i.prefill, v_of_deal, null
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
    union all
    select 'The reason of ' || t.name, t.reason, '{role}', null
    from private.flow_transitions as t
    where t.flow_id = p_flow_id
  )
  select distinct
    'shape', format('%s names {%s}, which nothing fills.', t.place, found.names[1]), null::text,
    null::integer
  from texts as t
  cross join lateral regexp_matches(t.text, '\{([a-z][a-z0-9_]*)\}', 'g') as found (names)
  where found.names[1] <> all (t.known)
    -- The inputs of the action may be named as well.
    and not exists (
      select from private.flow_transitions as r
      join private.flow_inputs as i on i.flow_id = r.flow_id and i.action = r.action
      where r.flow_id = p_flow_id and r.name = t.transition and i.field = found.names[1]
    );

  -- A party's text in the system's voice: it belongs into the quote.
  return query
  select distinct
    'shape',
    format('A message of %s has {%s} in its text, which a party typed: quote it.', t.name, n.name),
    null::text, null::integer
  from private.flow_messages as m
  join private.flow_transitions as t
    on t.flow_id = m.flow_id and t.name = m.transition and t.role = any (v_parties)
  cross join lateral (
    select i.field
    from private.flow_inputs as i
    where i.flow_id = m.flow_id and i.action = t.action
      and i.type in ('text', 'textarea', 'email')
    union
    select unnest('{details,pitch,reason_hint}'::text[])
  ) as n (name)
  where m.flow_id = p_flow_id
    and position('{' || n.name || '}' in concat(m.text, m.title, m.subtitle, m.buttons)) > 0;
end;
$$;

-- source: 44_flow_proof/refute_money.sql sha256:9192f9b8a74ef396fe5dc571d5b91c26ea3b271efce72ff2892f93943e19f0c2
-- P7: money is held once and settled once, and effects find the values that they need. P8: every
-- fact of the gateway has a row wherever it can happen. Finds situations without one; a state that
-- the system leaves in the same transaction needs none.
--
-- P15: once work was submitted, only the influencer, both sides together or an operator refund the
-- money. Finds moves of a deadline, of the brand owner or of a fact that refund while a submission
-- stands.
--
-- Args: all moves that the search found, and the first of them into each situation.
create or replace function private.refute_money(
  p_flow_id bigint,
  p_moves private.flow_moves[],
  p_first_moves private.flow_moves[]
)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
begin
  -- Rows whose effect does not find the money where it needs it, conversations that close or open
  -- free talk before the money is settled, states that wait for a refund that does not run, and
  -- refunds that run where no state waits for them.
  return query
  select
    'P7',
    format(
      '%s needs the money %s and finds it %s: %s in %s.',
      r.name, r.money_before, m.from_money, m.action, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where m.money = 'broken'
  union all
  select 'P7', format('%s is entered with money %s.', m.state, m.money), m.key, null
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where p.place in ('end', 'talk') and m.money = 'held'
    or m.money <> 'broken' and (s.waiting_on = 'provider') <> (m.money = 'refunding');

  -- Rows that agree on a price that nobody named, resume without a pause, let a side answer its own
  -- request, or exceed a limit; and payments that are neither held nor refunded.
  return query
  select
    'P7',
    format(
      '%s has the effect %s without %s: %s in %s.',
      r.name, need.effect, need.thing, r.action, r.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join unnest(p_first_moves) as before on before.key = m.from_key
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  cross join lateral (
    values
      ('agree_on_quote', 'a quote', before.has_quote),
      ('agree_on_offer', 'an offer', before.round > 0),
      ('hold_offer', 'an offer', before.round > 0),
      ('agree_on_counter', 'a counter offer', before.has_counter),
      ('make_offer', 'a round left', before.round < (v_rules ->> 'max_rounds')::integer),
      (
        'request_revision', 'a revision left',
        before.revisions < (v_rules ->> 'max_revisions')::integer
      ),
      -- The search drops the negotiation then.
      ('open_order', 'an agreed price', before.round is null),
      ('hold_funds', 'an order', before.has_order),
      ('charge_back', 'a dispute of the bank', before.dispute_origin = 'bank'),
      ('accept_extension', 'a request for more time', before.has_extension),
      ('request_agreed_refund', 'a request of the other party', before.requester <> m.role),
      ('resume', 'a pause that began there', before.resume_state = m.state)
  ) as need (effect, thing, is_met)
  where need.effect = any (r.effects) and need.is_met is not true
  union all
  select
    'P7', format('%s neither holds the payment nor sends it back.', r.name), m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where r.action in ('payment_captured', 'payment_mismatch')
    and not r.effects && '{hold_funds,bounce_payment}';

  return query
  select 'P8', format('%s is not handled in %s.', fact.action, m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  cross join lateral (
    values
      ('payment_captured', m.has_order),
      ('payment_failed', m.has_order and m.money = 'none' and p.place = 'turn'),
      ('payment_mismatch', m.has_order and m.money = 'none' and p.place = 'turn'),
      ('bank_dispute_opened', m.money <> 'none'),
      ('bank_dispute_lost', m.dispute_origin = 'bank'),
      ('refund_processed', m.money = 'refunding'),
      ('refund_failed', m.money = 'refunding')
  ) as fact (action, can_be_true)
  where fact.can_be_true and p.place <> 'passing' and m.money <> 'broken'
    and (m.key, fact.action) not in (
      select h.from_key, h.action from unnest(p_moves) as h where h.role = 'system'
    );

  return query
  select
    'P15',
    format(
      '%s gives the money back though work was submitted: %s by the %s in %s.',
      r.name, m.action, m.role, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join unnest(p_first_moves) as before on before.key = m.from_key
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where before.has_submission
    and (
      r.effects && '{request_refund,request_split_refund}'
        and m.role not in ('influencer', 'admin')
      or 'request_agreed_refund' = any (r.effects) and m.role = 'system'
    );
end;
$$;

-- source: 44_flow_proof/refute_reach.sql sha256:03f9638508d1be39e5c5a5e422a5e56774880d77bc5fc532723c6fb40681cc80
-- P1: every state can be reached and every row can be taken. Finds the others; the counter-example
-- of a row is the way to a situation where it should be possible. P2: no dead end. Finds situations
-- from which the conversation can never be closed. P3: until it is closed or being refunded, a
-- conversation can still reach a good end: free talk, in a deal with the money settled.
create or replace function private.refute_reach(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select 'P1', format('Nothing ever leads to %s.', s.state), null::text, null::integer
  from private.flow_states as s
  where s.flow_id = p_flow_id
    and not exists (select from unnest(p_moves) as m where m.state = s.state)
  union all
  select
    'P1',
    format('%s can never be taken: %s by the %s in %s.', r.name, r.action, r.role, r.from_state),
    (
      select m.key from unnest(p_moves) as m
      where m.state = r.from_state
      order by m.depth, m.key
      limit 1
    ),
    null
  from private.flow_rows as r
  where r.flow_id = p_flow_id
    and not exists (select from unnest(p_moves) as m where m.number = r.number);

  return query
  with recursive closable (key) as (
    select m.key
    from unnest(p_moves) as m
    where m.state = 'chat_closed' or m.money = 'broken'
    union
    select m.from_key
    from closable as c
    join unnest(p_moves) as m on m.key = c.key
    where m.from_key is not null
  )
  select
    'P2', format('A conversation in %s can never be closed.', m.state), m.key, null::integer
  from unnest(p_moves) as m
  where m.key not in (select c.key from closable as c);

  return query
  with recursive hopeful (key) as (
    select m.key
    from unnest(p_moves) as m
    join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
    join private.flow_definitions as f on f.id = p_flow_id
    where m.money = 'broken'
      or p.place = 'talk' and m.money = case f.kind when 'direct' then 'none' else 'settled' end
    union
    select m.from_key
    from hopeful as h
    join unnest(p_moves) as m on m.key = h.key
    where m.from_key is not null
  )
  select
    'P3',
    format('In %s with money %s nothing can lead to a good end any more.', m.state, m.money),
    m.key, null::integer
  from unnest(p_moves) as m
  where m.state <> 'chat_closed' and m.money in ('none', 'held')
    and m.key not in (select h.key from hopeful as h);
end;
$$;

-- source: 44_flow_proof/refute_rows.sql sha256:2b2eb5e6431c78508c011bc97b6cab2ace57cccfe2e4af3eee2919cad766d732
-- Shape: rows name existing things in consistent combinations, with values that the engine can use.
create or replace function private.refute_rows(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  c_of_all_kinds constant text[] := array['close', 'reopen', 'raise_alert'];
  c_offers constant text[] := array['make_offer', 'make_counter', 'hold_offer'];
  v_kind constant text := (
    select f.kind from private.flow_definitions as f where f.id = p_flow_id
  );
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
  v_parties constant text[] := (
    select private.list_party_roles(f.kind)
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
  c_work_statuses constant text[] := array[
    'in_progress', 'submitted', 'revision_requested', 'approved', 'cancelled', 'disputed'
  ];
  -- The largest integer that is exact in JSON everywhere: RFC 8259, section 6.
  c_max_exact constant numeric := 9007199254740991;
begin
  -- Unknown guards, effects and roles; several effects on the money in one row; flows without a
  -- start or an end; rows that close without the effect `close`, or have it and do not close.
  return query
  select 'shape', said.message, null::text, null::integer
  from private.flow_transitions as t
  cross join lateral (
    select format('%s names the unknown guard %s.', t.name, g.name)
    from unnest(t.guards) as g (name)
    where g.name is null or g.name not in (select k.name from private.flow_guards as k)
    union all
    select format('%s names the unknown effect %s.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where e.name is null or e.name not in (select k.name from private.flow_effects as k)
    union all
    select format('%s moves the money more than once.', t.name)
    from private.flow_effects as k
    where k.name = any (t.effects) and k.money_after is not null
    having count(*) > 1
    union all
    select format('%s is for the %s, whom this kind does not have.', t.name, t.role)
    where t.role <> all (v_parties || '{system,admin}'::text[])
    union all
    select format('%s awaits the %s, whom this kind does not have.', t.name, t.awaiting)
    where t.awaiting not in ('other', 'unchanged') and t.awaiting <> all (v_parties)
    union all
    select format('%s awaits the other party, but no party takes it.', t.name)
    where t.awaiting = 'other' and t.role <> all (v_parties)
    union all
    select format('%s leads to initial, where nothing can be.', t.name)
    where t.to_state = 'initial'
    union all
    select format('%s begins a conversation, but no party takes it.', t.name)
    where t.from_state = 'initial' and t.role <> all (v_parties)
    union all
    select format('%s leads to chat_closed without the effect close.', t.name)
    where t.to_state = 'chat_closed' and t.from_state <> 'chat_closed'
      and 'close' <> all (t.effects)
    union all
    select format('%s has the effect close and does not lead to chat_closed.', t.name)
    where (t.to_state <> 'chat_closed' or t.from_state = 'chat_closed')
      and 'close' = any (t.effects)
  ) as said (message)
  where t.flow_id = p_flow_id
  union all
  select 'shape', format('The state %s is missing.', needed.state), null, null
  from unnest('{initial,chat_closed}'::text[]) as needed (state)
  where not exists (
    select from private.flow_states as s
    where s.flow_id = p_flow_id and s.state = needed.state
  );

  -- Deadlines, blocks and follow-ups whose action has no row; actions of users that are not drawn,
  -- and drawn ones that do not exist; inputs and messages without their action or row; limits that
  -- no input can meet.
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  said (message) as (
    select format('After its time limit %s does %s, which has no row.', s.state, s.deadline_action)
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.deadline_action is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = s.state and t.role = 'system' and t.action = s.deadline_action
      )
    union all
    select format('A block by the %s in %s does %s, which has no row.', p.role, s.state, s.on_block)
    from private.flow_states as s
    cross join unnest(v_parties) as p (role)
    where s.flow_id = p_flow_id and s.on_block is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = s.state and t.role = p.role and t.action = s.on_block
      )
    union all
    select format('%s is followed by %s, which has no row in %s.', t.name, t.follow_up, t.to_state)
    from rows_of_flow as t
    where t.follow_up is not null
      and not exists (
        select from rows_of_flow as n
        where n.from_state = t.to_state and n.action = t.follow_up
          and n.role in (t.role, 'system')
      )
    union all
    select format('The %s''s %s in %s is not drawn.', t.role, t.action, t.from_state)
    from rows_of_flow as t
    where t.role = any (v_parties) and t.from_state <> 'initial'
      and not exists (
        select from private.flow_actions as a
        where a.flow_id = p_flow_id and a.state = t.from_state and a.role = t.role
          and a.action = t.action
      )
    union all
    select format('The %s''s %s in %s is drawn and has no row.', a.role, a.action, a.state)
    from private.flow_actions as a
    where a.flow_id = p_flow_id
      and not exists (
        select from rows_of_flow as t
        where t.from_state = a.state and t.role = a.role and t.action = a.action
      )
    union all
    select format('%s has the input %s and no row.', i.action, i.field)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and not exists (select from rows_of_flow as t where t.action = i.action)
    union all
    select format('The input %s of %s has its min above its max.', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.min > i.max
    union all
    select format('There is a message of %s, which is no row.', m.transition)
    from private.flow_messages as m
    where m.flow_id = p_flow_id
      and not exists (select from rows_of_flow as t where t.name = m.transition)
    union all
    select format('Line %s of the walk "%s" is not "role action state".', l.number, w.name)
    from private.flow_traces as w
    cross join lateral unnest(string_to_array(trim(w.steps, e' \n'), e'\n'))
      with ordinality as l (text, number)
    where w.flow_id = p_flow_id and trim(l.text) !~ '^\S+\s+\S+\s+\S+$'
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;

  -- Rows whose effects could not be stored: an effect that is named twice, or without its guard or
  -- its actor, several prices in one row, effects of deals in direct conversations, and deals that
  -- are opened again, when another may be open instead.
  return query
  select distinct 'shape', said.message, null::text, null::integer
  from private.flow_transitions as t
  cross join lateral (
    select format('%s names the effect %s more than once.', t.name, e.name)
    from unnest(t.effects) as e (name)
    group by e.name
    having count(*) > 1
    union all
    select format('%s names more than one price.', t.name)
    from unnest(t.effects) as e (name)
    where e.name = any (c_offers)
    having count(distinct e.name) > 1
    union all
    select format('%s has the effect %s without the guard %s.', t.name, need.effect, need.guard)
    from (
      values
        ('hold_funds', 'capture_matches'),
        ('hold_funds', 'is_new_payment'),
        ('bounce_payment', 'is_new_payment'),
        ('keep_rating', 'is_unrated')
    ) as need (effect, guard)
    where need.effect = any (t.effects) and need.guard <> all (t.guards)
    union all
    select format('%s has the guard %s without the rule %s.', t.name, a.guard, a.rule)
    from private.flow_allowances as a
    where a.guard = any (t.guards) and not v_rules ? a.rule
    union all
    select format('%s has the effect %s, which only a party of a deal can have.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where e.name = any (c_offers || 'keep_rating'::text)
      and t.role not in ('influencer', 'brand_owner')
    union all
    select format('%s has the effect %s, which only deals can have.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where v_kind = 'direct' and e.name <> all (c_of_all_kinds)
    union all
    select format('%s opens a deal again, whose place another may have taken.', t.name)
    where v_kind <> 'direct' and t.from_state = 'chat_closed' and t.to_state <> 'chat_closed'
  ) as said (message)
  where t.flow_id = p_flow_id;

  -- Times that are too short or too long, work statuses that conversations do not have, buttons
  -- that carry no texts, and names and limits that no client could use.
  return query
  with said (message) as (
    select format('The time limit of %s must be from 1 minute to 10 years.', s.state)
    from private.flow_states as s
    where s.flow_id = p_flow_id
      and (
        s.lasts not between interval '1 minute' and interval '10 years'
        -- A sum of parts with different signs may be a date that does not exist.
        or least(
          extract(year from s.lasts), extract(month from s.lasts), extract(day from s.lasts),
          extract(hour from s.lasts), extract(minute from s.lasts), extract(second from s.lasts)
        ) < 0
      )
    union all
    select format('%s has the work status %s, which does not exist.', s.state, s.work_status)
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.work_status <> all (c_work_statuses)
    union all
    select
      format('What the %s''s %s in %s carries is no object of texts.', a.role, a.action, a.state)
    from private.flow_actions as a
    where a.flow_id = p_flow_id
      and (
        jsonb_typeof(a.data) <> 'object' or a.data @? 'strict $.* ? (@.type() != "string")'
      )
    union all
    select format('The name of the row "%s" has more than letters, digits and "_".', t.name)
    from private.flow_transitions as t
    where t.flow_id = p_flow_id and t.name !~ '^[A-Za-z0-9_]{1,62}$'
    union all
    select format('The reason of %s has more than a to z, "_" and braces.', t.name)
    from private.flow_transitions as t
    where t.flow_id = p_flow_id and t.reason !~ '^[a-z_{}]{1,100}$'
    union all
    select format('The input "%s" of %s has more than a to z, digits and "_".', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.field !~ '^[a-z][a-z0-9_]{0,62}$'
    union all
    select format(
      'The input %s of %s is named like a price in paise, which only the engine adds.',
      i.field, i.action
    )
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.field like '%\_minor' and i.field <> 'amount_minor'
    union all
    select format('The input %s of %s has a limit that is no number.', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and not (
        coalesce(i.min, 0) between -c_max_exact and c_max_exact
        and coalesce(i.max, 0) between -c_max_exact and c_max_exact
      )
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;

-- source: 44_flow_proof/refute_traces.sql sha256:44a2409afe3e29e688b81a2c51d175711d57266d7a0ca3060b0f5750ffe96f62
-- P12: the walks that are stored with the flow can be taken. Finds the first impossible line of
-- each; the counter-example is the walk up to it.
create or replace function private.refute_traces(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, counter_example jsonb)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  with recursive lines as materialized (
    select
      t.name, line.number::integer as number, split_part(line.text, ' ', 1) as role,
      split_part(line.text, ' ', 2) as action, split_part(line.text, ' ', 3) as state
    from private.flow_traces as t
    cross join lateral unnest(string_to_array(trim(t.steps, e' \n'), e'\n'))
      with ordinality as raw (text, number)
    cross join lateral (
      select regexp_replace(trim(raw.text), '\s+', ' ', 'g'), raw.number
    ) as line (text, number)
    where t.flow_id = p_flow_id
  ),
  walked (name, number, key) as (
    select t.name, 0, m.key
    from private.flow_traces as t
    cross join unnest(p_moves) as m
    where t.flow_id = p_flow_id and m.from_key is null
    union
    select w.name, l.number, m.key
    from walked as w
    join lines as l on l.name = w.name and l.number = w.number + 1
    join unnest(p_moves) as m
      on m.from_key = w.key and m.role = l.role and m.action = l.action and m.state = l.state
    where m.money <> 'broken'
  ),
  stopped as (
    select w.name, max(w.number) + 1 as number from walked as w group by w.name
  )
  select
    'P12',
    format(
      'The walk "%s" stops at its line %s: the %s cannot %s to %s.',
      l.name, l.number, l.role, l.action, l.state
    ),
    (
      select jsonb_agg(
        format('%s %s -> %s', before.role, before.action, before.state) order by before.number
      )
      from lines as before
      where before.name = l.name and before.number <= l.number
    )
  from stopped as s
  join lines as l on l.name = s.name and l.number = s.number;
end;
$$;

-- source: 44_flow_proof/refute_turns.sql sha256:a0defca3d32587c49eb6431c527602a8f6457c9efa87b787e754f109e8bde228
-- P4: the awaited party can advance the deal, and the other one cannot. P10: an action never has
-- two possible results. Finds two rows for one role and action that can both be taken in one
-- situation. P11: a party is awaited where it is a party's turn, and a conversation's data match
-- its state. A dispute is open exactly where the deal waits for an operator, a pause is stored
-- while it lasts, and every open request can still be answered.
create or replace function private.refute_turns(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  -- An action advances the deal, for a role in a state, when in some situation there it leads
  -- nearer to the good end: closing, cancelling, disputing and asking for more time do not. Taking
  -- back an own step (private.flow_guards.undoes) does not count. The awaited party must be able to
  -- advance without an `open` guard.
  return query
  with steps as materialized (
    select s.key, s.steps from private.measure_flow(p_flow_id, p_moves) as s
  ),
  leading_on as (
    select distinct m.from_state, m.from_awaiting, m.role, m.action
    from unnest(p_moves) as m
    join steps as after on after.key = m.key
    left join steps as before on before.key = m.from_key
    where m.from_state <> 'initial' and m.role not in ('system', 'admin') and not m.undoes
      and (before.steps is null or after.steps < before.steps)
  ),
  progress as (
    select m.from_key, m.role, m.action, m.from_state, m.from_awaiting, m.is_certain
    from unnest(p_moves) as m
    join leading_on as l
      on l.from_state = m.from_state and l.from_awaiting is not distinct from m.from_awaiting
      and l.role = m.role and l.action = m.action
  )
  select
    'P4', format('The %s is awaited in %s and cannot go on.', m.awaiting, m.state), m.key,
    null::integer
  from unnest(p_moves) as m
  where m.awaiting is not null and m.money <> 'broken'
    and (m.key, m.awaiting) not in (
      select p.from_key, p.role from progress as p where p.is_certain
    )
  union all
  select
    'P4',
    format('The %s is not awaited in %s and goes on by %s.', p.role, p.from_state, p.action),
    p.from_key, null
  from progress as p
  where p.role is distinct from p.from_awaiting;

  return query
  select
    'P10',
    format(
      'The %s''s %s in %s may be %s.',
      m.role, m.action, m.from_state, string_agg(distinct r.name || ' to ' || r.to_state, ' or ')
    ),
    m.from_key, null::integer
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  group by m.from_key, m.from_state, m.role, m.action
  having count(*) > 1;

  return query
  select
    'P11',
    case
      when m.awaiting is null then format('Nobody is awaited in %s.', m.state)
      else format('The %s is awaited in %s, where it is nobody''s turn.', m.awaiting, m.state)
    end,
    m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where (m.awaiting is not null) <> (p.place = 'turn');

  return query
  -- Requests that can be answered, by the guard that requires one.
  with answered as materialized (
    select m.from_key, g.name
    from unnest(p_moves) as m
    join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
    cross join lateral unnest(r.guards) as g (name)
    where g.name in ('is_requester', 'has_extension')
  )
  select 'P11', said.message, m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  cross join lateral (
    select 'No dispute is open where an operator decides.'
    where s.waiting_on = 'admin' and m.dispute_origin is null
    union all
    select 'A dispute is still open where no operator decides.'
    where s.waiting_on <> 'admin' and m.dispute_origin is not null
    union all
    select 'A request to cancel is still open where it cannot be withdrawn.'
    where m.requester is not null
      and (m.key, 'is_requester') not in (select a.from_key, a.name from answered as a)
    union all
    select 'A request for more time is still open where it cannot be answered.'
    where m.has_extension
      and (m.key, 'has_extension') not in (select a.from_key, a.name from answered as a)
    union all
    select 'A pause is still remembered when it is over.'
    where m.resume_state is not null and m.requester is null and m.dispute_origin is null
  ) as said (message)
  where m.money <> 'broken';
end;
$$;

-- For each situation, the number of steps to the deal's good end (free talk with the money
-- settled), when only the parties and the gateway act. Situations that cannot reach it in this way
-- are left out.
create or replace function private.measure_flow(
  p_flow_id bigint,
  p_moves private.flow_moves[]
)
returns table (key text, steps integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind constant text := (
    select f.kind from private.flow_definitions as f where f.id = p_flow_id
  );
  v_ring text[] := array(
    select distinct m.key
    from unnest(p_moves) as m
    join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
    where p.place = 'talk' and m.money = case v_kind when 'direct' then 'none' else 'settled' end
  );
  v_keys text[] := v_ring;
  v_steps integer[] := array_fill(0, array[cardinality(v_ring)]);
begin
  while cardinality(v_ring) > 0 loop
    v_ring := array(
      select distinct m.from_key
      from unnest(p_moves) as m
      join unnest(v_ring) as r (key) on r.key = m.key
      where m.role <> 'admin' and not m.is_timer
        and not exists (select from unnest(v_keys) as k (key) where k.key = m.from_key)
    );
    v_steps := v_steps
      || array_fill(v_steps[cardinality(v_steps)] + 1, array[cardinality(v_ring)]);
    v_keys := v_keys || v_ring;
  end loop;
  return query select known.key, known.steps from unnest(v_keys, v_steps) as known (key, steps);
end;
$$;

-- source: 44_flow_proof/validate_flow.sql sha256:670510e091d428a824afd16e7e2ada863367ce2941eb6f57fbba39f5a3522437
-- RPC: operators prove a flow before publishing it; writes nothing.
create or replace function public.validate_flow(spec jsonb)
returns jsonb
language sql
set search_path = ''
as $$
  select private.validate_flow(spec);
$$;

-- Proves a flow without publishing it: `{valid, states, extended_states, edges, violations:
-- [{property, message, counter_example}]}`. Nothing is kept.
--
-- Definer: clients may neither read nor write flows.
-- Writes: as load_flow_draft, and deletes it again (flow_definitions).
-- Errors: FORBIDDEN (403).
create or replace function private.validate_flow(p_spec jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_loaded record;
  v_proof jsonb;
begin
  perform private.require_operator();
  v_loaded := private.try_load(p_spec);
  if v_loaded.p_flow_id is null then
    v_proof := jsonb_build_object(
      'states', 0, 'extended_states', 0, 'edges', 0, 'violations', v_loaded.p_violations
    );
  else
    v_proof := private.prove_flow(v_loaded.p_flow_id);
    delete from private.flow_definitions as f where f.id = v_loaded.p_flow_id;
  end if;
  return v_proof || jsonb_build_object(
    'valid', jsonb_array_length(v_proof -> 'violations') = 0
  );
end;
$$;

grant execute on function public.validate_flow(jsonb) to authenticated, service_role;
grant execute on function private.validate_flow(jsonb) to authenticated, service_role;

-- source: 45_safety/block_user.sql sha256:f761c78069c6c5b6eeebfc62c857f6dd87a6e5285a715835aba0befd262c4a61
-- RPC: stops messages between the caller and a user; returns `{user_id, blocked}`.
create or replace function public.block_user(user_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.block_user(user_id);
$$;

-- Stops all free text between the caller and another user, at once and in both directions, and
-- takes the flow's step for a block in each of their deals.
--
-- Definer: clients have no write grant on any table.
-- Locks: as private.lock_pair, so that a send either came before or sees the block.
-- Writes: blocks, conversations (is_barred), participants, and as private.leave_deals.
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
  perform private.leave_deals(v_me, p_user_id);
  insert into public.blocks (blocker_id, blocked_id)
  values (v_me, p_user_id)
  on conflict (blocker_id, blocked_id) do nothing;
  perform private.touch_pair(v_me, p_user_id);
  return json_build_object('user_id', p_user_id, 'blocked', true);
end;
$$;

-- RPC: ends a block by the caller; returns `{user_id, blocked}`.
create or replace function public.unblock_user(user_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.unblock_user(user_id);
$$;

-- Ends the caller's block of a user; a block by the other side stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: as private.lock_pair, so that a send either came before or sees no block.
-- Writes: blocks, conversations (is_barred), participants.
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
  perform private.touch_pair(v_me, p_user_id);
  return json_build_object('user_id', p_user_id, 'blocked', false);
end;
$$;

-- Locks the shared rows of two users before a block between them begins or ends: any other call of
-- them there comes before it or after it.
--
-- The other user's account is not locked, so the caller does not wait for that user's other calls.
-- The lock of the caller's account stops users who open a conversation with the caller
-- (private.lock_peer).
-- Locks: the caller's account, then the conversations of the two, then their rows of
-- private.participants, each in the order of their ids.
-- Errors: INPUT_INVALID (422) for one and the same user, USER_NOT_FOUND (404).
create or replace function private.lock_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_user_id = p_other_id then
    perform private.raise_input_invalid('user_id', 'not_yourself', 'This is your own id.');
  end if;
  if not exists (select from public.users as u where u.id = p_other_id) then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  perform 1 from private.accounts as a where a.user_id = p_user_id for update;
  perform 1 from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  order by c.id
  for no key update;
  perform 1 from private.participants as p
  where p.conversation_id in (
    select c.id
    from private.conversations as c
    where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  )
  order by p.conversation_id, p.user_id
  for no key update;
end;
$$;

-- Raises the versions of two users' conversations, so that their clients see the block or its end.
--
-- Locks: private.lock_pair has locked the rows already. Writes: participants.
create or replace function private.touch_pair(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.participants as p
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1
  from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and p.conversation_id = c.id;
end;
$$;

grant execute on function private.block_user(uuid) to authenticated;
grant execute on function public.block_user(uuid) to authenticated;
grant execute on function private.unblock_user(uuid) to authenticated;
grant execute on function public.unblock_user(uuid) to authenticated;

-- source: 45_safety/delete_my_account.sql sha256:f5fa7eb6e972039300b4f2776951247f6e80f670faa0422acfa0d533a61c8283
-- Deletes the caller's login, as Auth does: triggers refuse it or delete the user's data. The
-- trigger keep_login_with_funds refuses it with FUNDS_HELD, HTTP 409, while a deal of the caller
-- holds money or the caller is owed a payout: end the deal, or wait for the payout.
-- docs/SECURITY.md lists the data that stay.
--
-- Definer: clients may not write Auth's tables.
-- Locks, writes: as private.keep_login_with_funds and private.remove_account_with_login.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.delete_my_account()
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  delete from auth.users as u where u.id = v_me;
  return json_build_object('deleted', true);
end;
$$;

-- RPC: deletes the caller's login and the data of the caller alone; returns `{deleted}`.
create or replace function public.delete_my_account()
returns json
language sql
set search_path = ''
as $$
  select private.delete_my_account();
$$;

grant execute on function private.delete_my_account(), public.delete_my_account() to authenticated;

-- source: 45_safety/leave_deals.sql sha256:82b8dbd1408c52155abc0119ee738a7fdfca631f8fa2d5147875482b16d59c52
-- Takes the state's step for a block in every deal of two users: the deal ends before the payment
-- and closes after the work; while it holds money it goes on without free text.
--
-- Args: the user who blocks; the blocked user (null: all others, when a login is deleted). Locks:
-- the deals, in the order of their ids; for a block, private.lock_pair must have been called.
-- Writes: as private.run_deadlines and private.advance_conversation.
-- Errors: none; the proof shows that a block's step can always be taken.
create or replace function private.leave_deals(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
  v_step private.flow_step;
begin
  v_step.actor_id := p_user_id;
  v_step.is_trial := false;
  for v_conversation in
    select c.*
    from private.conversations as c
    where p_user_id in (c.user_a, c.user_b)
      and (p_other_id is null or p_other_id in (c.user_a, c.user_b))
      and c.kind <> 'direct'
      and c.chat_status <> 'closed'
    order by c.id
    for no key update
  loop
    v_step.conversation := private.run_deadlines(v_conversation, p_is_trial => false);
    v_step.role := private.role_in(v_conversation, p_user_id);
    v_step.input := '{}';
    v_step.at := clock_timestamp();
    v_step.action := (
      select s.on_block
      from private.flow_states as s
      where s.flow_id = (v_step.conversation).flow_id
        and s.state = (v_step.conversation).flow_state
    );
    if v_step.action is not null then
      perform private.advance_conversation(v_step);
    end if;
  end loop;
end;
$$;

-- source: 45_safety/report_message.sql sha256:b09db63f841b70ca2552acf9ca560bd865d20c8ef4692dedef05cd59f33c63db
-- Reports a message to the operators, with the reporter's view of it and of the ten before it.
--
-- The evidence is a copy that neither expiry nor scrubbing removes.
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
  v_details constant text := nullif(private.read_text(p_details, 'details', 1000), '');
  v_message record;
  v_report private.reports;
begin
  perform private.check_choice(
    'reason', p_reason, array['spam', 'abuse', 'fraud', 'nudity', 'impersonation', 'other']
  );
  perform private.lock_account(v_me);
  select r.* into v_report
  from private.reports as r
  where r.reporter_id = v_me and r.message_id = p_message_id;
  if not found then
    select m.id, m.conversation_id, m.seq into v_message
    from private.my_messages as m
    where m.conversation_id = (
        select s.conversation_id from public.messages as s where s.id = p_message_id
      )
      and m.id = p_message_id;
    if not found then
      perform private.raise_error(
        'MESSAGE_NOT_FOUND', 'There is no such message.', p_status => 404
      );
    end if;
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
set search_path = ''
as $$
  select private.report_message(message_id, reason, details);
$$;

grant execute on function private.report_message(uuid, text, text) to authenticated;
grant execute on function public.report_message(uuid, text, text) to authenticated;

-- source: 45_safety/set_privacy.sql sha256:c3c63fea48312e1aa3545956b946bf86bc57cb54faa34e13fd1bf5b09cff6237
-- Decides whether others see the caller's last visit and read marks. Null: unchanged.
--
-- A user who hides read marks does not see those of others either.
-- Definer: accounts are private.
-- Locks, writes: accounts (the caller's), and as private.touch_conversations.
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
  -- The lock stops users who open a conversation with the caller, as in private.lock_pair.
  perform 1 from private.accounts as a where a.user_id = v_me for update;
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
set search_path = ''
as $$
  select private.set_privacy(last_seen, read_receipts);
$$;

grant execute on function private.set_privacy(boolean, boolean) to authenticated;
grant execute on function public.set_privacy(boolean, boolean) to authenticated;

-- source: 46_history/append_event.sql sha256:34ea15fdd1c5f954d7d59693b7ca06b6338a30992569e274ae6bc93e399721dc
-- Adds a step to the history of its conversation, chained to the step before.
--
-- Call it under the lock of the conversation's row.
-- Args: the step, with the conversation after it (version, to_state); the state before it; the
-- details that both sides may read.
-- Writes: conversation_events, event_salts.
create or replace function private.append_event(
  p_step private.flow_step,
  p_from_state text,
  p_details jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  -- 122 of its 128 bits are random, so nobody can check a guess of the details.
  v_salt constant bytea := uuid_send(gen_random_uuid());
  v_event public.conversation_events;
  v_previous_hash bytea;
begin
  v_event.conversation_id := (p_step.conversation).id;
  v_event.version := (p_step.conversation).version;
  v_event.actor_role := p_step.role;
  -- Both sides read it, so the operator is named only in private.disputes and private.alerts.
  v_event.actor_id := case when p_step.role <> 'admin' then p_step.actor_id end;
  v_event.action := p_step.action;
  v_event.from_state := p_from_state;
  v_event.to_state := (p_step.conversation).flow_state;
  v_event.details := coalesce(p_details, '{}');
  -- now() would be the time before a wait for the lock.
  v_event.created_at := greatest(clock_timestamp(), p_step.at);
  v_event.effective_at := p_step.at;
  v_event.commitment := private.commit_to_details(v_salt, v_event.details);
  select e.hash into v_previous_hash
  from public.conversation_events as e
  where e.conversation_id = v_event.conversation_id and e.version = v_event.version - 1;
  v_event.hash := private.hash_event(v_event, v_previous_hash);
  with event as (
    insert into public.conversation_events select v_event.*
    returning conversation_id, version
  )
  insert into private.event_salts (conversation_id, version, salt)
  select e.conversation_id, e.version, v_salt from event as e;
end;
$$;

-- The commitment to an event's details: with the salt it proves them, without it says nothing.
create or replace function private.commit_to_details(p_salt bytea, p_details jsonb)
returns bytea
language sql
stable
as $$
  select sha256(p_salt || convert_to(p_details::text, 'utf8'));
$$;

-- The hash that an event of a conversation must have, from its columns and the hash before it.
--
-- sha256 of the hash before (nothing for the first event), the JSON array `[conversation_id,
-- version, actor_role, actor_id, action, from_state, to_state, created_at, effective_at]` with
-- times in microseconds since 1970 UTC, and the commitment. Clients that keep a head_hash rely on
-- this format: it never changes.
create or replace function private.hash_event(
  p_event public.conversation_events,
  p_previous_hash bytea
)
returns bytea
language sql
stable
as $$
  select sha256(
    coalesce(p_previous_hash, '')
    || convert_to(
      json_build_array(
        p_event.conversation_id, p_event.version, p_event.actor_role, p_event.actor_id,
        p_event.action, p_event.from_state, p_event.to_state,
        trunc(extract(epoch from p_event.created_at) * 1000000),
        trunc(extract(epoch from p_event.effective_at) * 1000000)
      )::text,
      'utf8'
    )
    || p_event.commitment
  );
$$;

-- source: 46_history/get_conversation_history.sql sha256:6c695aaa1c2a4c25189f75ab6175abb73bfd0d8171f4c34315326b6bce7c5033
-- RPC: the steps that a conversation took, oldest first; returns `[{conversation_id, version,
-- actor_role, action, from_state, to_state, details, created_at, effective_at, hash}]`;
-- `after_version` is a version of that list.
create or replace function public.get_conversation_history(
  conversation_id uuid,
  page_size integer default 100,
  after_version bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_conversation_history(conversation_id, page_size, after_version);
$$;

-- A page of the steps that a conversation took, oldest first.
--
-- Definer: operators read it too, and for them there is no policy.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_conversation_history(
  p_conversation_id uuid,
  p_page_size integer,
  p_after_version bigint
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_limit constant integer := private.clamp_page_size(p_page_size, 100, 100);
begin
  perform private.require_history_reader(p_conversation_id);
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.version)
      from (
        select
          e.conversation_id, e.version, e.actor_role, e.action, e.from_state, e.to_state,
          e.details, e.created_at, e.effective_at, encode(e.hash, 'hex') as hash
        from public.conversation_events as e
        where e.conversation_id = p_conversation_id and e.version > coalesce(p_after_version, 0)
        order by e.version
        limit v_limit
      ) as page
    ),
    '[]'
  );
end;
$$;

-- Allows the members of a conversation and operators; for anybody else it does not exist.
--
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.require_history_reader(p_conversation_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.is_operator() then
    if exists (select from private.conversations as c where c.id = p_conversation_id) then
      return;
    end if;
  else
    perform private.require_user();
  end if;
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
end;
$$;

grant execute on function public.get_conversation_history(uuid, integer, bigint)
to authenticated, service_role;
grant execute on function private.get_conversation_history(uuid, integer, bigint)
to authenticated, service_role;

-- source: 46_history/scrub_conversation_history.sql sha256:287aa110b6187a08b668e4e82ec13bd06fd076d54f9db340dcded9e9d2e55d3d
-- RPC: operators erase the details of a conversation's history, when the law demands it; returns
-- `{scrubbed}`, the number of emptied events.
create or replace function public.scrub_conversation_history(conversation_id uuid, reason text)
returns json
language sql
set search_path = ''
as $$
  select private.scrub_conversation_history(conversation_id, reason);
$$;

-- Erases the details of a conversation's steps. The steps, their actors, times and order stay
-- provable.
--
-- Scrubbed details can no longer be compared with their commitment, so an alert records whether the
-- history was whole before.
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: conversation_events, event_salts, alerts, and as
-- private.run_deadlines.
-- Errors: FORBIDDEN (403) also to operators who are members of the conversation, INPUT_INVALID
-- (422), CONVERSATION_NOT_FOUND (404), FUNDS_HELD (409) while a deal holds money, GUARD_FAILED
-- (409) `{guard: "legal_hold"}`.
create or replace function private.scrub_conversation_history(
  p_conversation_id uuid,
  p_reason text
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reason text;
  v_conversation private.conversations;
  v_before jsonb;
  v_scrubbed integer;
begin
  perform private.require_operator();
  v_reason := private.require_text(p_reason, 'reason', 1000);
  v_conversation := private.run_deadlines(
    private.lock_conversation(p_conversation_id, null), p_is_trial => false
  );
  perform private.refuse_own(p_conversation_id);
  if v_conversation.held_minor > 0 then
    perform private.raise_error(
      'FUNDS_HELD', 'The deal still holds money.', p_status => 409,
      p_hint => 'Release or refund it first.'
    );
  end if;
  if exists (
    select from private.legal_holds as h where h.conversation_id = p_conversation_id
  ) then
    perform private.raise_error(
      'GUARD_FAILED', 'The conversation is under a legal hold: nothing in it is erased.',
      jsonb_build_object('guard', 'legal_hold'), p_status => 409,
      p_hint => 'Settle the dispute first.'
    );
  end if;

  v_before := private.check_history(p_conversation_id);
  v_scrubbed := (v_before ->> 'events')::integer - (v_before ->> 'scrubbed')::integer;
  if v_scrubbed > 0 then
    delete from private.event_salts as s where s.conversation_id = p_conversation_id;
    update public.conversation_events as e
    set details = null
    where e.conversation_id = p_conversation_id and e.details is not null;
    perform private.open_alert(
      'history_scrubbed', 'info',
      format('history_scrubbed:%s:%s', p_conversation_id, v_conversation.version),
      p_conversation_id,
      jsonb_build_object('reason', v_reason, 'operator', auth.uid(), 'before', v_before)
    );
  end if;
  return json_build_object('scrubbed', v_scrubbed);
end;
$$;

grant execute on function public.scrub_conversation_history(uuid, text)
to authenticated, service_role;
grant execute on function private.scrub_conversation_history(uuid, text)
to authenticated, service_role;

-- source: 46_history/verify_conversation.sql sha256:f954ac46fa284c0e4032a91fc2fed264c5973435b9620a833d11b847e310781e
-- RPC: proves that a conversation's history is whole, for its members and operators; returns
-- `{valid, events, scrubbed, broken_at, head_hash}`. Keep head_hash to check later that the history
-- up to it is still the same.
create or replace function public.verify_conversation(conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.verify_conversation(conversation_id);
$$;

-- Whether a conversation's history is unchanged.
--
-- Definer: salts are private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.verify_conversation(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_history_reader(p_conversation_id);
  return private.check_history(p_conversation_id);
end;
$$;

-- Checks a conversation's history: `{valid, events, scrubbed, broken_at, head_hash}`, or null where
-- there is no such conversation.
--
-- Every version from 1 to the conversation's has one event; each begins in the state in which the
-- one before ended, and has the hash that follows from it; details and salt both exist and match
-- the commitment, or both are scrubbed; the newest ends in the conversation's state. broken_at is
-- the first version that breaks this, or that is missing.
create or replace function private.check_history(p_conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with events as (
    select
      e.version,
      e.hash,
      e.to_state,
      row_number() over chain as position,
      num_nulls(e.details, s.salt) = 2 as is_scrubbed,
      e.from_state = coalesce(lag(e.to_state) over chain, e.from_state)
        and e.hash = private.hash_event(e, lag(e.hash) over chain)
        and case num_nulls(e.details, s.salt)
          when 0 then e.commitment = private.commit_to_details(s.salt, e.details)
          else num_nulls(e.details, s.salt) = 2
        end as fits
    from public.conversation_events as e
    left join private.event_salts as s
      on s.conversation_id = e.conversation_id and s.version = e.version
    where e.conversation_id = p_conversation_id
    window chain as (order by e.version)
  ),
  total as (
    select
      count(*) as events,
      count(*) filter (where e.is_scrubbed) as scrubbed,
      min(least(e.version, e.position)) filter (
        where not e.fits or e.version <> e.position
      ) as broken_at,
      coalesce(max(e.version), 0) as head
    from events as e
  )
  select jsonb_build_object(
    'valid', found.broken_at is null,
    'events', t.events,
    'scrubbed', t.scrubbed,
    'broken_at', found.broken_at,
    'head_hash', encode(newest.hash, 'hex')
  )
  from private.conversations as c
  cross join total as t
  left join events as newest on newest.version = t.head
  cross join lateral (
    select least(
      t.broken_at,
      case
        when t.head <> c.version then least(t.head, c.version) + 1
        when newest.to_state <> c.flow_state then t.head
      end
    ) as broken_at
  ) as found
  where c.id = p_conversation_id;
$$;

grant execute on function public.verify_conversation(uuid) to authenticated, service_role;
grant execute on function private.verify_conversation(uuid) to authenticated, service_role;

-- source: 48_screens/get_chat_screen.sql sha256:a4b9e467d08666fa544e2860473e0310232a39b766e95f1f4d5a83a6669b2667
-- RPC: a chat in one call: its context, its newest messages, newest first, the caller's actions,
-- and the quota; returns `{conversation, messages, actions, quota, version}`, or `{not_modified:
-- true, version}` when the caller's is current.
create or replace function public.get_chat_screen(
  conversation_id uuid,
  page_size integer default 50,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_chat_screen(conversation_id, page_size, known_version);
$$;

-- A chat: get_conversation_context, get_messages, get_available_actions, get_quota in one answer.
--
-- Definer: calls the workers of those functions, which read private tables.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422) for a malformed
-- version.
create or replace function private.get_chat_screen(
  p_conversation_id uuid,
  p_page_size integer,
  p_known_version text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  return private.screen_json(
    json_build_object(
      'conversation', private.get_conversation_context(p_conversation_id, null),
      'messages', (
        select coalesce(json_agg(row_to_json(m) order by m.seq desc), '[]')
        from private.get_messages(p_conversation_id, p_page_size, null, null, null) as m
      ),
      'actions', private.get_available_actions(p_conversation_id),
      'quota', private.get_quota()
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_chat_screen(uuid, integer, text) to authenticated;
grant execute on function private.get_chat_screen(uuid, integer, text) to authenticated;

-- source: 48_screens/get_deal_screen.sql sha256:49ea14480b421f43383136fb18aaa0cad8c8d5abb95946c332321c4ab0648dbc
-- RPC: a deal in one call: the states of its flow in order, whose turn it is, the deadline, money,
-- offers, submissions, ratings, the history and its proof; returns `{conversation, actions, states,
-- waiting_for, money, offers, submissions, ratings, history, proof, version}`, or `{not_modified:
-- true, version}` when the caller's is current.
create or replace function public.get_deal_screen(
  conversation_id uuid,
  known_version text default null
)
returns json
language sql
set search_path = ''
as $$
  select private.get_deal_screen(conversation_id, known_version);
$$;

-- A deal as it is now: a deadline that has passed counts before its step is written.
--
-- History: the first 100 steps; get_conversation_history has the rest.
-- Definer: reads the flow, and a deal's rows past their policies, once the caller is a member.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), also for a direct chat, INPUT_INVALID
-- (422) for a malformed version.
create or replace function private.get_deal_screen(
  p_conversation_id uuid,
  p_known_version text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_deal private.conversations;
  v_context json;
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  v_deal := private.as_of_now(
    private.read_conversation(p_conversation_id, private.require_user())
  );
  if v_deal.kind = 'direct' then
    perform private.raise_conversation_not_found();
  end if;
  v_context := private.get_conversation_context(p_conversation_id, null);
  return private.screen_json(
    json_build_object(
      'conversation', v_context,
      'actions', private.get_available_actions(p_conversation_id),
      'states', private.states_json(v_deal),
      'waiting_for', json_build_object(
        'who', v_context -> 'waiting_on',
        'is_me', v_context ->> 'waiting_on' = v_context ->> 'my_role',
        'until', v_deal.deadline_at
      ),
      'money', private.deal_money_json(v_deal),
      'offers', (
        select coalesce(json_agg(o order by o.version), '[]')
        from public.offers as o where o.conversation_id = v_deal.id
      ),
      'submissions', (
        select coalesce(json_agg(w order by w.number), '[]')
        from public.work_submissions as w where w.conversation_id = v_deal.id
      ),
      'ratings', private.get_ratings(p_conversation_id),
      'history', private.get_conversation_history(p_conversation_id, 100, null),
      'proof', private.verify_conversation(p_conversation_id)
    ),
    p_known_version
  );
end;
$$;

-- The states of a deal's flow in order: `now` is the present one, `done` are those that the deal
-- has been in, `skipped` lie before the present one and `ahead` after it.
create or replace function private.states_json(p_deal private.conversations)
returns json
language sql
stable
set search_path = ''
as $$
  with visited as (
    select e.to_state as state, max(e.effective_at) as entered_at
    from public.conversation_events as e
    where e.conversation_id = p_deal.id
    group by e.to_state
  )
  select json_agg(
    json_build_object(
      'state', s.state,
      'title', s.title,
      'place', case
        when s.state = p_deal.flow_state then 'now'
        when v.state is not null then 'done'
        when s.position < here.position then 'skipped'
        else 'ahead'
      end,
      'entered_at', case when s.state = p_deal.flow_state then p_deal.entered_at
        else v.entered_at
      end
    )
    order by s.position
  )
  from private.flow_states as here
  join private.flow_states as s on s.flow_id = here.flow_id and s.state <> 'initial'
  left join visited as v on v.state = s.state
  where here.flow_id = p_deal.flow_id and here.state = p_deal.flow_state;
$$;

-- A deal's money in paise; due is the amount that the brand owner can pay now.
create or replace function private.deal_money_json(p_deal private.conversations)
returns json
language sql
stable
set search_path = ''
as $$
  select json_build_object(
    'currency', p_deal.currency,
    'agreed_minor', p_deal.amount_minor,
    'due_minor', case
      when exists (
        select from private.flow_transitions as t
        where t.flow_id = p_deal.flow_id
          and t.from_state = p_deal.flow_state
          and t.action = 'proceed_to_payment'
      ) then p_deal.amount_minor - p_deal.captured_minor
      else 0
    end,
    'captured_minor', p_deal.captured_minor,
    'held_minor', p_deal.held_minor,
    'released_minor', p_deal.released_minor,
    'fee_minor', p_deal.fee_minor,
    'refunded_minor', p_deal.refunded_minor,
    'charged_back_minor', p_deal.charged_back_minor
  );
$$;

grant execute on function public.get_deal_screen(uuid, text) to authenticated;
grant execute on function private.get_deal_screen(uuid, text) to authenticated;

-- source: 48_screens/get_inbox_screen.sql sha256:16c0cea4343cdcec707818fbcbbe1ed86009083c6ce7f30c95191607b30308d0
-- RPC: the inbox in one call: a page of conversations, unread counts, the quota and the profile;
-- returns `{conversations, next_cursor, unread, quota, profile, version}`, or `{not_modified: true,
-- version}` when the caller's is current.
create or replace function public.get_inbox_screen(
  filter text default 'open',
  page_size integer default 20,
  cursor text default null,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_inbox_screen(filter, page_size, "cursor", known_version);
$$;

-- The inbox: get_conversations, get_unread_count, get_quota and get_profile in one answer.
--
-- Definer: calls the workers of those functions, which read private tables.
-- Errors: those of get_conversations, INPUT_INVALID (422) for a malformed version.
create or replace function private.get_inbox_screen(
  p_filter text,
  p_page_size integer,
  p_cursor text,
  p_known_version text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_page json;
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  v_page := private.get_conversations(p_page_size, p_cursor, p_filter);
  return private.screen_json(
    json_build_object(
      'conversations', v_page -> 'conversations',
      'next_cursor', v_page -> 'next_cursor',
      'unread', private.get_unread_count(),
      'quota', private.get_quota(),
      'profile', private.get_profile()
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_inbox_screen(text, integer, text, text) to authenticated;
grant execute on function private.get_inbox_screen(text, integer, text, text) to authenticated;

-- source: 48_screens/get_market_screen.sql sha256:0b50846fff55b22ddc9658c635ef673acd197202b7a4053b394d89de4eed19ad
-- RPC: the market in one call: open bids and campaigns, the caller's own, the caller's applications
-- and those to the caller's campaigns, newest first; returns `{bids, campaigns, mine, requests,
-- profile, version}`, or `{not_modified: true, version}` when the caller's is current.
create or replace function public.get_market_screen(
  page_size integer default 20,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_market_screen(page_size, known_version);
$$;

-- The rows of the market that the policies show to the caller.
--
-- Definer: checks the caller once instead of a policy for each row.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a malformed version.
create or replace function private.get_market_screen(p_page_size integer, p_known_version text)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 20, 100);
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  return private.screen_json(
    json_build_object(
      'bids', (
        select coalesce(json_agg(page order by page.created_at desc), '[]')
        from (
          select
            b.*,
            json_build_object(
              'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url,
              'role', u.role
            ) as owner,
            (
              select c.id from private.conversations as c
              where c.bid_id = b.id and c.brand_owner_id = v_me and c.chat_status <> 'closed'
                and (private.as_of_now(c)).chat_status <> 'closed'
            ) as conversation_id
          from public.bids as b
          join public.users as u on u.id = b.influencer_id
          where b.status = 'open'
          order by b.created_at desc
          limit v_limit
        ) as page
      ),
      'campaigns', (
        select coalesce(json_agg(page order by page.created_at desc), '[]')
        from (
          select
            g.*,
            json_build_object(
              'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url,
              'role', u.role
            ) as owner,
            (
              select c.id from private.conversations as c
              where c.campaign_id = g.id and c.influencer_id = v_me and c.chat_status <> 'closed'
                and (private.as_of_now(c)).chat_status <> 'closed'
            ) as conversation_id
          from public.campaigns as g
          join public.users as u on u.id = g.brand_owner_id
          where g.status = 'open'
          order by g.created_at desc
          limit v_limit
        ) as page
      ),
      'mine', json_build_object(
        'bids', (
          select coalesce(json_agg(b order by b.created_at desc), '[]')
          from (
            select b.* from public.bids as b
            where b.influencer_id = v_me order by b.created_at desc limit v_limit
          ) as b
        ),
        'campaigns', (
          select coalesce(json_agg(g order by g.created_at desc), '[]')
          from (
            select g.* from public.campaigns as g
            where g.brand_owner_id = v_me order by g.created_at desc limit v_limit
          ) as g
        )
      ),
      'requests', (
        select coalesce(json_agg(r order by r.created_at desc), '[]')
        from (
          select r.* from public.requests as r
          where r.influencer_id = v_me
            or r.campaign_id = any(
              array(select g.id from public.campaigns as g where g.brand_owner_id = v_me)
            )
          order by r.created_at desc
          limit v_limit
        ) as r
      ),
      'profile', private.get_profile()
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_market_screen(integer, text) to authenticated;
grant execute on function private.get_market_screen(integer, text) to authenticated;

-- source: 48_screens/get_quota_screen.sql sha256:9b5e4a05e7bd27838f04f7e44b3ad1538f0bc48eb141f9b228c1c30fae59490b
-- RPC: the quota and the changes of points, newest first, in one call; returns `{quota, history,
-- version}`, or `{not_modified: true, version}` when the caller's is current.
create or replace function public.get_quota_screen(
  page_size integer default 20,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_quota_screen(page_size, known_version);
$$;

-- The quota: get_quota and get_points_history in one answer.
--
-- Definer: calls the workers of those functions, which read private tables.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a malformed version.
create or replace function private.get_quota_screen(p_page_size integer, p_known_version text)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  return private.screen_json(
    json_build_object(
      'quota', private.get_quota(),
      'history', private.get_points_history(p_page_size, null)
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_quota_screen(integer, text) to authenticated;
grant execute on function private.get_quota_screen(integer, text) to authenticated;

-- source: 48_screens/screen_json.sql sha256:beb2105f057b13159bf78a6d0d49d0f68bbd20e207f1ae8e690f9081507e8476
-- A screen with its version, or `{not_modified, version}` when the client has that version.
--
-- The version is a hash of everything on the screen except the time of the answer, so it changes
-- with everything that the reader can see: a message, a receipt, a passed deadline.
create or replace function private.screen_json(p_screen json, p_known_version text)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_screen constant text := p_screen;
  v_version constant text := md5(replace(v_screen, to_json(now())::text, ''));
begin
  if v_version = p_known_version then
    return json_build_object('not_modified', true, 'version', v_version);
  end if;
  -- Put into the text of the object without parsing it: a screen is long.
  return format('{"version" : "%s", %s', v_version, substr(v_screen, 2))::json;
end;
$$;

-- source: 50_payments/apply_payment_snapshot.sql sha256:4d4f8181201723c873e8fd2af4374b185a11504a7859fb2de390cec28b6d6772
-- Razorpay's answer about an order: the same facts as in events, and the same decision.

-- RPC: service only; applies Razorpay's answer about an order; returns `{outcome, flow_state,
-- conversation_id}`.
create or replace function public.apply_payment_snapshot(
  payment_order_id uuid,
  order_entity jsonb,
  payments jsonb,
  actor text default 'reconcile',
  mode text default 'test'
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.apply_payment_snapshot(payment_order_id, order_entity, payments, actor, mode);
$$;

-- Stores Razorpay's answer, settles, and applies the stored events of this order that are not
-- processed.
--
-- Args: our order; Razorpay's order (null: it has none); its payments, a list or Razorpay's
-- collection; the actor; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order; it skips events that another session has locked.
-- Writes: as private.take_snapshot and private.apply_event.
-- Errors: INPUT_INVALID (422) for an unknown order.
create or replace function private.apply_payment_snapshot(
  p_payment_order_id uuid,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
  p_mode text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_order private.payment_orders := private.lock_payment_order(p_payment_order_id);
  v_event private.payment_events;
  v_outcome text;
begin
  if v_order.id is null then
    perform private.raise_input_invalid('payment_order_id', 'known', 'There is no such order.');
  end if;
  v_outcome := private.take_snapshot(v_order, p_order_entity, p_payments, p_actor, p_mode);
  for v_event in
    select e.*
    from private.payment_events as e
    where e.razorpay_order_id = (
        select o.razorpay_order_id from private.payment_orders as o where o.id = v_order.id
      )
      and e.status = 'received'
    order by e.id
    for update skip locked
  loop
    v_event := private.apply_event(v_event, p_actor);
    if v_outcome = 'noop' then
      v_outcome := v_event.outcome;
    end if;
  end loop;
  return (
    select jsonb_build_object(
      'outcome', v_outcome,
      'flow_state', (private.as_of_now(c)).flow_state,
      'conversation_id', c.id
    )
    from private.conversations as c
    where c.id = v_order.conversation_id
  );
end;
$$;

-- Reads Razorpay's order and payments, stores the facts, and settles.
--
-- Args: the order, locked with its conversation; the others as private.apply_payment_snapshot.
-- Returns the outcome.
-- Writes: payment_orders, and as private.merge_payment, private.settle_order and private.conclude.
create or replace function private.take_snapshot(
  p_order private.payment_orders,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
  p_mode text
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_order private.payment_orders := p_order;
  v_told private.payment_orders;
  v_entity jsonb;
  v_payments private.payments[] := array[]::private.payments[];
  v_payment private.payments;
  v_outcome text;
  v_error text;
begin
  begin
    if coalesce(p_order_entity, 'null') <> 'null' then
      v_told := private.read_order(p_order_entity);
    end if;
    for v_entity in
      select told.entity
      from jsonb_array_elements(
        case jsonb_typeof(p_payments)
          when 'array' then p_payments
          when 'object' then p_payments -> 'items'
          else '[]'
        end
      ) as told (entity)
    loop
      if v_entity ->> 'order_id' is distinct from v_told.razorpay_order_id then
        raise exception 'a payment of another order' using errcode = 'invalid_parameter_value';
      end if;
      v_payments := v_payments || private.read_payment(v_entity);
    end loop;
  exception
    when data_exception then
      v_error := left(sqlstate || ': ' || sqlerrm, 200);
  end;
  v_outcome := case
    when v_error is not null then 'malformed'
    when v_order.mode <> p_mode then 'mode_mismatch'
    when v_told.razorpay_order_id is null then 'noop'
    when v_told.razorpay_order_id <> v_order.razorpay_order_id then 'order_mismatch'
    when v_order.razorpay_order_id is null and not private.is_our_order(v_order, p_order_entity)
      then 'order_mismatch'
  end;
  if v_outcome is not null then
    perform private.conclude(
      v_outcome, v_order, null, v_order.id::text, p_actor, null,
      jsonb_strip_nulls(jsonb_build_object(
        'mode', p_mode, 'told', v_told.razorpay_order_id, 'error', v_error
      ))
    );
    return v_outcome;
  end if;
  if v_order.razorpay_order_id is null then
    update private.payment_orders as o
    set razorpay_order_id = v_told.razorpay_order_id, updated_at = clock_timestamp()
    where o.id = v_order.id
    returning o.* into v_order;
  end if;
  foreach v_payment in array v_payments loop
    perform private.merge_payment(v_order, v_payment);
  end loop;
  return private.settle_order(v_order, v_told, p_actor, null);
end;
$$;

grant execute on function
  public.apply_payment_snapshot(uuid, jsonb, jsonb, text, text),
  private.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
to service_role;

-- source: 50_payments/apply_waiting_event.sql sha256:e1b47916fed7e08925e3cfce4cd3a4275a32fd728f4d581bda45aa6eb3c2e026
-- Applies one stored event that was not applied because its deal was locked, or because the app
-- ended between storing and processing. The app calls this on every touch.

-- RPC: service and operators; applies one event; returns `{event_row_id, outcome,
-- conversation_id}`, nulls when none is due.
create or replace function public.apply_waiting_event()
returns jsonb
language sql
set search_path = ''
as $$
  select private.apply_waiting_event();
$$;

-- Applies the event that is due for the longest time. It does not retry after an error in Parley:
-- Razorpay sends that event again.
--
-- Definer: the events are private.
-- Locks: the event, then as private.apply_event; it skips an event that another session has locked.
-- Writes: as private.apply_event.
-- Errors: FORBIDDEN (403).
create or replace function private.apply_waiting_event()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_event private.payment_events;
begin
  perform private.require_operator();
  select e.* into v_event
  from private.payment_events as e
  where e.status = 'received' and e.attempts = 0 and e.next_try_at <= now()
  order by e.next_try_at
  limit 1
  for update skip locked;
  if found then
    v_event := private.apply_event(v_event, 'touch');
  end if;
  return jsonb_build_object(
    'event_row_id', v_event.id,
    'outcome', v_event.outcome,
    'conversation_id', v_event.conversation_id
  );
end;
$$;

grant execute on function public.apply_waiting_event(), private.apply_waiting_event()
to authenticated, service_role;

-- source: 50_payments/attach_payment_order.sql sha256:2fb97ff8c5b977ecd3e724893d059fb4b6e629cd9e3c8252b1fd45c08ed7ea60
-- Attaching Razorpay's order to ours.

-- RPC: service only; attaches Razorpay's order; returns `{outcome, payment_order_id,
-- razorpay_order_id}`; outcome: attached, already_attached, order_mismatch, mode_mismatch,
-- order_closed, unknown_order.
create or replace function public.attach_payment_order(
  payment_order_id uuid,
  entity jsonb,
  razorpay_config jsonb default null,
  mode text default 'test'
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.attach_payment_order(payment_order_id, entity, razorpay_config, mode);
$$;

-- Stores Razorpay's order for ours, after comparing the two.
--
-- Args: our order; Razorpay's entity of it; the settings of the checkout, kept for the brand
-- owner's other devices; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order. Writes: payment_orders, and as
-- private.show_payment_order and private.conclude.
create or replace function private.attach_payment_order(
  p_payment_order_id uuid,
  p_entity jsonb,
  p_razorpay_config jsonb,
  p_mode text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_order private.payment_orders := private.lock_payment_order(p_payment_order_id);
  v_outcome text;
begin
  v_outcome := case
    when v_order.id is null then 'unknown_order'
    when v_order.mode <> p_mode then 'mode_mismatch'
    when not private.is_our_order(v_order, p_entity) then 'order_mismatch'
    when v_order.razorpay_order_id is null then 'attached'
    else 'already_attached'
  end;
  if v_outcome in ('mode_mismatch', 'order_mismatch') then
    perform private.conclude(
      v_outcome, v_order, null, v_order.id::text, 'app', null,
      jsonb_build_object('mode', p_mode, 'entity', p_entity - 'notes')
    );
  elsif v_outcome <> 'unknown_order' then
    update private.payment_orders as o
    set
      razorpay_order_id = coalesce(o.razorpay_order_id, p_entity ->> 'id'),
      checkout = coalesce(
        p_razorpay_config - 'prefill'
          || jsonb_build_object('order_id', coalesce(o.razorpay_order_id, p_entity ->> 'id')),
        o.checkout
      ),
      updated_at = clock_timestamp()
    where o.id = v_order.id
    returning o.* into v_order;
    if v_order.status = 'open' then
      perform private.show_payment_order(
        v_order.conversation_id, v_order,
        p_razorpay_config || jsonb_build_object('order_id', v_order.razorpay_order_id)
      );
    else
      v_outcome := 'order_closed';
    end if;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'payment_order_id', p_payment_order_id,
    'razorpay_order_id', v_order.razorpay_order_id
  );
end;
$$;

-- Locks an order with its conversation and returns it; nulls for an unknown one.
--
-- Locks: the conversation, then the order.
create or replace function private.lock_payment_order(p_payment_order_id uuid)
returns private.payment_orders
language plpgsql
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  perform 1 from private.conversations as c
  where c.id = (
    select o.conversation_id from private.payment_orders as o where o.id = p_payment_order_id
  )
  for no key update;
  select o.* into v_order
  from private.payment_orders as o
  where o.id = p_payment_order_id
  for update;
  return v_order;
end;
$$;

-- Whether Razorpay's entity matches our order.
create or replace function private.is_our_order(p_order private.payment_orders, p_entity jsonb)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_told private.payment_orders;
begin
  v_told := private.read_order(p_entity);
  return (v_told.receipt, v_told.amount_minor, v_told.currency)
    is not distinct from (p_order.receipt, p_order.amount_minor, p_order.currency);
exception
  when data_exception then
    return false;
end;
$$;

grant execute on function
  public.attach_payment_order(uuid, jsonb, jsonb, text),
  private.attach_payment_order(uuid, jsonb, jsonb, text)
to service_role;

-- source: 50_payments/begin_payment.sql sha256:bef019779d8066f292b2c81586c618c6c8dde7690218cda459f7eefa4dd45747
-- The brand owner presses Pay: the deal's one open order, the same one on every press.

-- RPC: the order that the brand owner pays; returns `{payment_order_id, receipt, amount_minor,
-- currency, mode, razorpay_order_id, has_checkout, status, kind, prefill: {name, email, contact}}`;
-- has_checkout: attach_payment_order has stored the settings of the checkout.
create or replace function public.begin_payment(conversation_id uuid)
returns jsonb
language sql
set search_path = ''
as $$
  select private.begin_payment(conversation_id);
$$;

-- Prepares a deal's payment. It also takes the action Pay in the conversation, unless the brand
-- owner did so within the last hour.
--
-- Definer: orders are private.
-- Locks: the user's limit on actions, then the conversation. Writes: payment_orders, and as
-- private.begin_action and private.finish_action.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- CHAT_CLOSED (409), PAYMENT_ALREADY_DONE (409), PAYMENT_NOT_READY (409) while the deal does not
-- wait for a payment, or one that the bank has approved is being confirmed, NOT_YOUR_TURN (409) for
-- the influencer, PRICE_OUT_OF_RANGE (422) `{min, max}` for less than Razorpay's minimum.
create or replace function private.begin_payment(p_conversation_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- Paise: https://razorpay.com/docs/api/orders/create
  c_least constant bigint := 100;
  c_pressed constant interval := interval '1 hour';
  v_call private.flow_step;
  v_conversation private.conversations;
  v_order private.payment_orders;
  v_roles text[];
begin
  v_call := private.begin_action(
    p_conversation_id, jsonb_build_object('action', 'proceed_to_payment'), p_input => null,
    p_client_action_id => null
  );
  v_conversation := v_call.conversation;
  v_roles := array(
    select t.role from private.flow_transitions as t
    where t.flow_id = v_conversation.flow_id
      and t.from_state = v_conversation.flow_state
      and t.action = 'proceed_to_payment'
  );
  if v_roles = '{}' then
    if v_conversation.captured_minor > 0 then
      perform private.raise_error(
        'PAYMENT_ALREADY_DONE', 'This deal has been paid.', p_status => 409
      );
    end if;
    if v_conversation.chat_status = 'closed' then
      perform private.raise_chat_closed();
    end if;
    perform private.raise_error(
      'PAYMENT_NOT_READY', 'There is nothing to pay here yet.', p_status => 409,
      p_hint => 'Agree on a price first.'
    );
  end if;
  if v_call.role <> all (v_roles) then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  perform private.refuse_second_payment(v_conversation.id);
  if v_conversation.amount_minor < c_least then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE', 'A payment is at least ₹1.',
      jsonb_build_object('min', 1, 'max', null), p_status => 422
    );
  end if;
  if coalesce(
    (v_conversation.flow_data ->> 'last_attempt_at')::timestamptz < now() - c_pressed, true
  ) or not v_conversation.flow_data ? 'payment_order' then
    perform private.finish_action(v_call, 'proceed_to_payment', '{}');
  end if;
  v_order := private.claim_payment_order(v_conversation, clock_timestamp());
  return jsonb_build_object(
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'amount_minor', v_order.amount_minor,
    'currency', v_order.currency,
    'mode', v_order.mode,
    'razorpay_order_id', v_order.razorpay_order_id,
    'has_checkout', v_order.checkout is not null,
    'status', v_order.status,
    'kind', v_conversation.kind,
    'prefill', (
      -- The e-mail address comes from the token.
      select jsonb_build_object(
        'name', u.display_name, 'email', nullif(auth.jwt() ->> 'email', ''), 'contact', a.phone
      )
      from public.users as u
      join private.accounts as a on a.user_id = u.id
      where u.id = v_call.actor_id
    )
  );
end;
$$;

grant execute on function public.begin_payment(uuid), private.begin_payment(uuid)
to authenticated;

-- source: 50_payments/claim_payment_order.sql sha256:2fbef310e54c8a919c4984a4af9890bd7bc58a9bd6519e634ff0b521bb61963a
-- Finds the open order of a deal for its present price, or makes one. An order for another price,
-- currency or mode is superseded; a later payment for it is refunded.
--
-- Locks: the conversation's row must be locked already. Writes: payment_orders.
create or replace function private.claim_payment_order(
  p_conversation private.conversations,
  p_at timestamptz
)
returns private.payment_orders
language plpgsql
set search_path = ''
as $$
declare
  v_mode constant text := private.get_setting('payment_mode') #>> '{}';
  v_order private.payment_orders;
begin
  update private.payment_orders as o
  set status = 'superseded', updated_at = p_at
  where o.conversation_id = p_conversation.id
    and o.status = 'open'
    and (o.amount_minor, o.currency, o.mode)
      <> (p_conversation.amount_minor, p_conversation.currency, v_mode);
  insert into private.payment_orders (conversation_id, amount_minor, currency, mode, created_at)
  values (
    p_conversation.id, p_conversation.amount_minor, p_conversation.currency, v_mode, p_at
  )
  on conflict (conversation_id) where status = 'open' do nothing;
  select o.* into v_order
  from private.payment_orders as o
  where o.conversation_id = p_conversation.id and o.status = 'open';
  return v_order;
end;
$$;

-- Whether a payment of a deal is approved by the bank and not captured yet.
create or replace function private.awaits_capture(p_conversation_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_orders as o
    join private.payments as p on p.payment_order_id = o.id
    where o.conversation_id = p_conversation_id
      and o.status = 'open'
      and p.status = 'authorized'
      and p.captured_at is null
  );
end;
$$;

-- Refuses to ask for a payment while one is approved and not captured yet.
--
-- Errors: PAYMENT_NOT_READY (409).
create or replace function private.refuse_second_payment(p_conversation_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.awaits_capture(p_conversation_id) then
    perform private.raise_error(
      'PAYMENT_NOT_READY', 'Your bank has approved a payment, which is being confirmed.',
      p_status => 409, p_hint => 'Wait for it: nobody has to pay twice.'
    );
  end if;
end;
$$;

-- An order as flow_data and action messages show it; without Razorpay's part until Razorpay has
-- made it.
create or replace function private.payment_order_json(p_order private.payment_orders)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'payment_order_id', p_order.id,
    'receipt', p_order.receipt,
    'amount_minor', p_order.amount_minor,
    'currency', p_order.currency,
    'razorpay_order_id', p_order.razorpay_order_id,
    'razorpay_config', p_order.checkout
  ));
end;
$$;

-- source: 50_payments/claim_payment_poll.sql sha256:f29b6d328692fc63dda1da0e047e6f2029b98d56dab9c0caf8ea12cad6b94722
-- RPC: service only; claims the next question to Razorpay; returns `{claimed, payment_order_id,
-- receipt, razorpay_order_id, order_status, flow_state, retry_after}`; retry_after in seconds.
create or replace function public.claim_payment_poll(
  conversation_id uuid,
  user_id uuid,
  min_gap_seconds integer default 20
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.claim_payment_poll(conversation_id, user_id, min_gap_seconds);
$$;

-- Returns the order to ask Razorpay about for a conversation, and stops others from asking soon
-- after.
--
-- A paid order needs no question. Razorpay answers for 180 days, so an older order gets none.
-- Args: the conversation; the member who asks; the least seconds since the last question (null:
-- return the order and claim nothing).
-- Definer: orders are private.
-- Locks: the order. Writes: payment_orders.
-- Errors: CONVERSATION_NOT_FOUND (404), also for another user's and for a login that is gone.
-- Source of the 180 days: https://razorpay.com/docs/api/orders/fetch-with-id
create or replace function private.claim_payment_poll(
  p_conversation_id uuid,
  p_user_id uuid,
  p_min_gap_seconds integer
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  c_horizon constant interval := interval '180 days';
  v_gap constant interval := make_interval(secs => greatest(p_min_gap_seconds, 1));
  v_conversation private.conversations;
  v_order private.payment_orders;
  v_may_be_asked boolean;
  v_claimed boolean := false;
begin
  v_conversation := private.as_of_now(private.read_conversation(
    p_conversation_id, (select a.user_id from private.accounts as a where a.user_id = p_user_id)
  ));
  select o.* into v_order
  from private.payment_orders as o
  where o.conversation_id = p_conversation_id
  order by o.status = 'open' desc, o.created_at desc
  limit 1
  for update;
  v_may_be_asked := v_order.status <> 'paid' and v_order.created_at > now() - c_horizon;
  if v_may_be_asked
    and p_min_gap_seconds is not null
    and coalesce(v_order.polled_at <= clock_timestamp() - v_gap, true) then
    update private.payment_orders as o set polled_at = clock_timestamp() where o.id = v_order.id;
    v_claimed := true;
  end if;
  return jsonb_build_object(
    'claimed', v_claimed,
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'razorpay_order_id', v_order.razorpay_order_id,
    'order_status', v_order.status,
    'flow_state', v_conversation.flow_state,
    'retry_after', case
      when v_may_be_asked and not v_claimed then greatest(
        ceil(extract(epoch from v_order.polled_at + v_gap - clock_timestamp())), 1
      )
    end
  );
end;
$$;

grant execute on function
  public.claim_payment_poll(uuid, uuid, integer),
  private.claim_payment_poll(uuid, uuid, integer)
to service_role;

-- source: 50_payments/conclude.sql sha256:c1e1fe8fb733593528700a02be9b8d5703ea336e7bd22580cee0dad4ddcd948c
-- The outcomes of an event or an answer of Razorpay, with their audit rows and alerts.

-- Records an outcome: an audit row and an alert, where the outcome needs them.
--
-- Args: the outcome, one of private.payment_outcomes; our order (nulls: unknown); Razorpay's
-- payment; a key that equal causes share; the actor; the event (null: an answer of Razorpay);
-- details.
-- Writes: payment_audit, and as private.open_alert.
create or replace function private.conclude(
  p_outcome text,
  p_order private.payment_orders,
  p_payment_id text,
  p_subject text,
  p_actor text,
  p_event_row_id bigint,
  p_details jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_severity text;
  v_is_audited boolean := p_outcome = 'applied';
begin
  if p_outcome in ('noop', 'ignored_event_type') then
    return;
  end if;
  if p_outcome <> 'applied' then
    select o.severity, o.is_audited into strict v_severity, v_is_audited
    from private.payment_outcomes() as o
    where o.outcome = p_outcome;
  end if;
  if v_severity is not null then
    perform private.open_alert(
      p_outcome, v_severity, concat_ws(':', p_outcome, p_subject),
      p_order.conversation_id, p_details, p_event_row_id, p_order.razorpay_order_id, p_payment_id
    );
  end if;
  if v_is_audited then
    insert into private.payment_audit (
      actor, action, conversation_id, payment_order_id, event_row_id, details
    )
    values (
      p_actor, p_outcome, p_order.conversation_id, p_order.id, p_event_row_id,
      p_details || jsonb_strip_nulls(jsonb_build_object('payment_id', p_payment_id))
    );
  end if;
end;
$$;

-- Each outcome: the status of its event, the severity of its alert (null: none), and whether it has
-- an audit row.
create or replace function private.payment_outcomes()
returns table (
  outcome text, status text, severity text, is_audited boolean
)
language plpgsql
immutable
set search_path = ''
as $$
begin
  return query values
    ('applied', 'processed', null, true),
    ('noop', 'processed', null, false),
    ('ignored_event_type', 'ignored', null, false),
    -- The next touch applies it: the deal is locked; or an error in Parley.
    ('waiting', 'received', 'warning', false),
    ('try_again', 'received', null, false),
    -- Set aside for a person.
    ('malformed', 'parked', 'critical', false),
    ('unknown_order', 'parked', 'info', false),
    ('foreign_account', 'parked', 'warning', false),
    ('mode_mismatch', 'parked', 'critical', true),
    ('order_mismatch', 'parked', 'critical', true),
    ('processing_failed', 'parked', 'critical', true),
    ('captured_out_of_flow', 'parked', 'critical', true),
    -- Money that is refunded automatically; operators get an alert.
    ('amount_mismatch', 'parked', 'critical', true),
    ('currency_mismatch', 'parked', 'critical', true),
    ('underpaid', 'parked', 'warning', true),
    ('superseded_order', 'parked', 'critical', true),
    ('double_payment', 'parked', 'critical', true),
    ('captured_after_closed', 'parked', 'critical', true),
    -- Facts that are in the books.
    ('refunded_before_completion', 'processed', 'warning', true),
    ('uncaptured_refund', 'processed', 'warning', true),
    ('refund_recorded', 'processed', 'critical', true),
    ('refund_pending', 'processed', null, true),
    ('refund_processed', 'processed', null, true),
    ('refund_failed', 'processed', 'critical', true),
    ('refund_mismatch', 'processed', 'critical', true),
    ('dispute_recorded', 'processed', 'critical', true),
    ('event_id_reused', 'processed', 'critical', false);
end;
$$;

-- source: 50_payments/diagnose_conversation.sql sha256:6e7efd859b38e77c6b9580dc594da80ba2c5b7a0f51cea5d414bea98f222d405
-- A conversation's money, in one call.

-- RPC: operators look into a conversation; returns `{conversation_id, kind, flow_state,
-- awaiting_role, deadline_at, amount_minor, currency, books, ledger, orders, payments,
-- refund_requests, refunds, disputes, events, payouts, alerts, audit, history, problems}`; problems
-- are sentences.
create or replace function public.diagnose_conversation(conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.diagnose_conversation(conversation_id);
$$;

-- Everything about a conversation's money for an operator: the deal's state, its orders, payments,
-- refunds, disputes, events, ledger and alerts, and the problems found in them.
--
-- Definer: the books are private.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404).
create or replace function private.diagnose_conversation(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  perform private.require_operator();
  select (private.as_of_now(c)).* into v_conversation
  from private.conversations as c
  where c.id = p_conversation_id;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return jsonb_build_object(
    'conversation_id', v_conversation.id,
    'kind', v_conversation.kind,
    'chat_status', v_conversation.chat_status,
    'flow_state', v_conversation.flow_state,
    'awaiting_role', v_conversation.awaiting_role,
    'deadline_at', v_conversation.deadline_at,
    'close_reason', v_conversation.close_reason,
    'amount_minor', v_conversation.amount_minor,
    'currency', v_conversation.currency,
    'books', private.books_json(v_conversation),
    'history', private.check_history(p_conversation_id),
    'problems', private.find_money_problems(v_conversation)
  ) || private.money_rows_json(p_conversation_id);
end;
$$;

-- The problems of a deal's money, as sentences with a remedy; empty when there are none.
create or replace function private.find_money_problems(p_conversation private.conversations)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select found.problem
    from (
      values
        (
          p_conversation.held_minor <> private.ledger_balance(p_conversation.id, 'held'),
          'The books and the ledger differ: stop the deal with force_dispute and compare them.'
        ),
        (
          p_conversation.chat_status = 'closed' and p_conversation.held_minor <> 0,
          'The deal is closed and still holds money.'
        ),
        (
          exists (
            select from private.payments as p
            join private.payment_orders as o on o.id = p.payment_order_id
            where o.conversation_id = p_conversation.id
              and p.captured_at is not null
              and p.refunded_minor < p.amount_minor
              and not exists (
                select from private.escrow_ledger as e
                where e.from_account = 'gateway' and e.payment_id = p.payment_id
              )
          ),
          'Money came in that is in no book: replay its event, or refund it at Razorpay.'
        ),
        (
          exists (
            select from private.refunds as r
            where r.conversation_id = p_conversation.id
              and r.status = 'requested'
              and r.failure is not null
          ),
          'A refund did not go through: see its failure, mend the cause; it is tried again. '
            'Sent in another way: mark_refunded_manually, or mark_payment_returned of a bounce.'
        ),
        (
          exists (
            select from private.refunds as r
            where r.conversation_id = p_conversation.id
              and r.status = 'requested'
              and r.razorpay_refund_id is null
              and private.is_disputed(r.payment_id)
          ),
          'A refund waits, because the payer''s bank disputes its payment. When the bank has taken '
            'the money back: mark_refunded_manually, or mark_payment_returned of a bounce.'
        ),
        (
          p_conversation.captured_minor > 0 and exists (
            select from private.payments as p
            where p.payment_id = (
                select e.payment_id from private.escrow_ledger as e
                where e.conversation_id = p_conversation.id and e.to_account = 'held'
              )
              and p.refunded_minor > p_conversation.refunded_minor
              and not exists (
                select from private.refunds as r
                where r.conversation_id = p_conversation.id and r.status = 'requested'
              )
          ),
          'Razorpay has given back more than the books say: stop the deal with force_dispute, or '
            'do not pay out what it released.'
        ),
        (
          p_conversation.charged_back_minor = 0 and exists (
            select from private.payment_disputes as d
            join private.escrow_ledger as e on e.payment_id = d.payment_id
            where e.conversation_id = p_conversation.id
              and e.to_account = 'held'
              and d.status = 'lost'
              -- Not one that an operator has marked by hand.
              and not exists (
                select from private.refunds as r
                where r.payment_id = d.payment_id
                  and r.status = 'processed'
                  and r.razorpay_refund_id is null
              )
          ),
          'The payer''s bank has taken back money that the books hold, have released or refunded: '
            'decide what is left, and settle the rest outside.'
        ),
        (
          exists (
            select from private.refunds as r
            join private.payment_refunds as k on k.refund_id = r.reference
            where r.conversation_id = p_conversation.id
              and r.status = 'processed'
              and k.status = 'failed'
          ),
          'A refund failed after it had gone through, and is not sent again: send the money in '
            'another way.'
        ),
        (
          exists (
            select from private.refunds as r
            join private.payment_disputes as d on d.payment_id = r.payment_id
            where r.conversation_id = p_conversation.id
              and r.kind = 'bounce'
              and r.razorpay_refund_id is not null
              and d.status = 'lost'
          ),
          'A payment was sent back, and the payer''s bank has taken it as well: show the bank the '
            'refund.'
        ),
        (
          exists (
            select from private.payment_events as e
            join private.payment_orders as o on o.razorpay_order_id = e.razorpay_order_id
            where o.conversation_id = p_conversation.id and e.status = 'received'
          ),
          'An event is stored and not processed: replay_payment_event.'
        ),
        (
          exists (
            select from private.payment_disputes as d
            join private.payments as p on p.payment_id = d.payment_id
            join private.payment_orders as o on o.id = p.payment_order_id
            where o.conversation_id = p_conversation.id
              and d.status in ('open', 'under_review', 'action_required')
          ),
          'The payer''s bank disputes a payment: answer it at Razorpay before respond_by.'
        )
    ) as found (is_so, problem)
    where found.is_so
  );
end;
$$;

-- All rows about a conversation's money, oldest first, without raw bodies: `{ledger, orders,
-- payments, refund_requests, refunds, disputes, events, payouts, alerts, audit}`.
create or replace function private.money_rows_json(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'ledger', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'conversation_id' order by e.id), '[]')
      from private.escrow_ledger as e where e.conversation_id = p_conversation_id
    ),
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'conversation_id' order by o.created_at), '[]')
      from private.payment_orders as o where o.conversation_id = p_conversation_id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) order by p.created_at), '[]')
      from private.payments as p
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'refund_requests', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'conversation_id' order by r.requested_at), '[]')
      from private.refunds as r where r.conversation_id = p_conversation_id
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(k) order by k.created_at), '[]')
      from private.payment_refunds as k
      join private.payments as p on p.payment_id = k.payment_id
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'disputes', (
      select coalesce(jsonb_agg(to_jsonb(d) order by d.created_at), '[]')
      from private.payment_disputes as d
      join private.payments as p on p.payment_id = d.payment_id
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'events', (
      select coalesce(
        jsonb_agg(to_jsonb(e) - array['body', 'sha256', 'conversation_id'] order by e.id), '[]'
      )
      from private.payment_events as e
      join private.payment_orders as o on o.razorpay_order_id = e.razorpay_order_id
      where o.conversation_id = p_conversation_id
    ),
    'payouts', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'conversation_id' order by p.created_at), '[]')
      from private.payouts as p where p.conversation_id = p_conversation_id
    ),
    'alerts', (
      select coalesce(jsonb_agg(to_jsonb(a) - 'conversation_id' order by a.id), '[]')
      from private.alerts as a where a.conversation_id = p_conversation_id
    ),
    'audit', (
      select coalesce(jsonb_agg(to_jsonb(a) - 'conversation_id' order by a.id), '[]')
      from private.payment_audit as a where a.conversation_id = p_conversation_id
    )
  );
end;
$$;

-- The books of a deal beside its ledger, both in paise.
create or replace function private.books_json(p_conversation private.conversations)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'captured_minor', p_conversation.captured_minor,
    'held_minor', p_conversation.held_minor,
    'released_minor', p_conversation.released_minor,
    'fee_minor', p_conversation.fee_minor,
    'refunded_minor', p_conversation.refunded_minor,
    'charged_back_minor', p_conversation.charged_back_minor,
    'ledger_held_minor', private.ledger_balance(p_conversation.id, 'held'),
    'ledger_bounced_minor', private.ledger_balance(p_conversation.id, 'bounced')
  );
end;
$$;

-- The balance of an account of the ledger for a conversation, in paise.
create or replace function private.ledger_balance(p_conversation_id uuid, p_account text)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(
      case p_account
        when e.to_account then e.amount_minor
        when e.from_account then -e.amount_minor
        else 0
      end
    ), 0)
    from private.escrow_ledger as e
    where e.conversation_id = p_conversation_id
  );
end;
$$;

grant execute on function public.diagnose_conversation(uuid), private.diagnose_conversation(uuid)
to authenticated, service_role;

-- source: 50_payments/get_metrics.sql sha256:21c0fbaf1600ab08ee8166e18950f6317ddafaa8a8b9c6421b03cdd89472cb62
-- The numbers that a monitor watches. All are read from the tables: no message and no step updates
-- a counter, so no row becomes a bottleneck.

-- RPC: operators' numbers; returns `{open_alerts: {info, warning, critical}, events: {received,
-- parked}, events_stuck, refunds_requested, refunds_oldest_seconds, pending_payments,
-- oldest_pending_payment_seconds, payouts_owed, payouts_owed_minor, ledger_balance_minor,
-- payment_mode, broadcasts_last_minute, broadcasts_lost, window_seconds, messages, delivery, steps,
-- states, closed, outcomes, notifications, push_queue, cleanup_due}`; stuck events have waited for
-- more than 5 minutes; the balance must be 0. Of the last window_seconds: messages and
-- notifications by type, delivery `{sent, delivered, read, lag_seconds}`, steps `[{from_state,
-- to_state, action, role, count}]`, closed conversations by reason, outcomes of deals (`completed`,
-- or why they closed). As of now: states `[{state, deals, average_seconds, oldest_seconds}]`,
-- push_queue `{waiting, oldest_seconds, resting_hosts}`, cleanup_due `{messages, steps}`.
create or replace function public.get_metrics()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_metrics();
$$;

-- The numbers that a monitor watches.
--
-- Definer: the books are private.
-- Errors: FORBIDDEN (403).
create or replace function private.get_metrics()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return (
    select jsonb_build_object(
      'open_alerts', (
        select jsonb_object_agg(kind.severity, (
          select count(*) from private.alerts_now as a
          where a.status = 'open' and a.severity = kind.severity
        ))
        from unnest(array['info', 'warning', 'critical']) as kind (severity)
      ),
      -- Both counts read one index, each another part.
      'events', jsonb_build_object(
        'received', (select count(*) from private.payment_events as e where e.status = 'received'),
        'parked', (select count(*) from private.payment_events as e where e.status = 'parked')
      ),
      'events_stuck', (
        select count(*) from private.payment_events as e
        where e.status = 'received' and e.received_at < now() - interval '5 minutes'
      ),
      'refunds_requested', refunds.count,
      'refunds_oldest_seconds', refunds.oldest_seconds,
      'pending_payments', pending.count,
      'oldest_pending_payment_seconds', pending.oldest_seconds,
      'payouts_owed', owed.count,
      'payouts_owed_minor', owed.amount_minor,
      'ledger_balance_minor', private.balance_books(),
      'payment_mode', private.get_setting('payment_mode'),
      'broadcasts_last_minute', private.count_broadcasts(),
      'broadcasts_lost', (
        select case when f.is_called then f.last_value else 0 end
        from private.broadcast_failures as f
      )
    ) || private.count_activity(interval '5 minutes')
    from (
      select
        count(*),
        -- A refund that waits for a bank's decision is not late.
        coalesce(floor(extract(epoch from now() - min(r.requested_at) filter (
          where not private.is_disputed(r.payment_id)
        ))), 0) as oldest_seconds
      from private.refunds as r
      where r.status = 'requested'
    ) as refunds,
    (
      select
        count(distinct o.id),
        coalesce(floor(extract(epoch from now() - min(p.created_at))), 0) as oldest_seconds
      from private.payment_orders as o
      join private.payments as p on p.payment_order_id = o.id
      where o.status = 'open'
    ) as pending,
    (
      select count(*), coalesce(sum(p.amount_minor), 0) as amount_minor
      from private.payouts as p where p.status = 'owed'
    ) as owed
  );
end;
$$;

-- Recent activity in chats and deals, and the present states of deals. It reads few rows: block
-- range indexes on the times find the end of the large tables.
create or replace function private.count_activity(p_window interval)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_since constant timestamptz := now() - p_window;
begin
  return jsonb_build_object(
    'window_seconds', extract(epoch from p_window)::integer,
    'messages', (
      select coalesce(jsonb_object_agg(kind.message_type, kind.count), '{}')
      from (
        select m.message_type, count(*)
        from public.messages as m
        where m.created_at > v_since
        group by m.message_type
      ) as kind
    ),
    'delivery', (
      select jsonb_build_object(
        'sent', count(*),
        'delivered', count(*) filter (where m.seq <= p.delivered_seq),
        'read', count(*) filter (where m.seq <= p.read_seq),
        -- From the newest delivered message of each member: the others arrived with it or before.
        'lag_seconds', round(avg(
          greatest(extract(epoch from p.delivered_at - m.created_at), 0)
        ) filter (where m.seq = p.delivered_seq), 3)
      )
      from public.messages as m
      join private.participants as p
        on p.conversation_id = m.conversation_id and p.user_id = m.receiver_id
      where m.created_at > v_since and m.message_type = 'user_input'
    ),
    'steps', (
      select coalesce(jsonb_agg(to_jsonb(step)), '[]')
      from (
        select e.from_state, e.to_state, e.action, e.actor_role as role, count(*)
        from public.conversation_events as e
        where e.created_at > v_since
        group by e.from_state, e.to_state, e.action, e.actor_role
      ) as step
    ),
    'closed', (
      select coalesce(jsonb_object_agg(outcome.reason, outcome.count), '{}')
      from (
        select coalesce(c.close_reason, 'none') as reason, count(*)
        from public.conversation_events as e
        join private.conversations as c on c.id = e.conversation_id
        where e.created_at > v_since and e.to_state = 'chat_closed'
        group by 1
      ) as outcome
    ),
    -- A deal counts once, when it is settled, not when its chat is closed.
    'outcomes', (
      select coalesce(jsonb_object_agg(deal.outcome, deal.count), '{}')
      from (
        select
          case e.to_state
            when 'chat_closed' then coalesce(c.close_reason, 'none')
            else 'completed'
          end as outcome,
          count(*)
        from public.conversation_events as e
        join private.conversations as c on c.id = e.conversation_id
        where e.created_at > v_since
          and c.kind <> 'direct'
          and e.to_state in ('real_time', 'chat_closed')
          and e.from_state not in ('real_time', 'chat_closed')
        group by 1
      ) as deal
    ),
    'states', (
      select coalesce(jsonb_agg(to_jsonb(place)), '[]')
      from (
        select
          c.flow_state as state,
          count(*) as deals,
          round(avg(extract(epoch from now() - c.entered_at))) as average_seconds,
          round(max(extract(epoch from now() - c.entered_at))) as oldest_seconds
        from private.conversations as c
        where c.kind <> 'direct' and c.chat_status <> 'closed'
        group by c.flow_state
      ) as place
    ),
    'notifications', (
      select coalesce(jsonb_object_agg(kind.type, kind.count), '{}')
      from (
        select n.type, count(*)
        from private.notifications as n
        where n.created_at > v_since
        group by n.type
      ) as kind
    ),
    'push_queue', (
      select jsonb_build_object(
        'waiting', count(*),
        'oldest_seconds', coalesce(round(extract(epoch from now() - min(o.created_at))), 0),
        'resting_hosts', (
          select count(*) from private.push_hosts as h where h.cools_until > now()
        )
      )
      from private.push_outbox as o
    ),
    -- Work of the next cleanups; counts 10,000 messages at most.
    'cleanup_due', jsonb_build_object(
      'messages', (
        select count(*)
        from (
          select from public.messages as m
          where m.expires_at <= now()
              - private.get_number('expired_grace_days')::float8 * interval '1 day'
            and m.scrubbed_at is null
            and not exists (
              select from private.legal_holds as h where h.conversation_id = m.conversation_id
            )
          limit 10000
        ) as expired
      ),
      'steps', (
        select count(*) from private.conversations as c where c.deadline_at <= now()
      )
    )
  );
end;
$$;

-- The difference between the books of deals that hold money and their ledger, in paise; it must be
-- 0.
create or replace function private.balance_books()
returns bigint
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(abs(booked.difference)), 0)
    from (
      select
        c.held_minor - coalesce(
          sum(case when e.to_account = 'held' then e.amount_minor else -e.amount_minor end), 0
        ) as difference
      from private.conversations as c
      left join private.escrow_ledger as e
        on e.conversation_id = c.id and 'held' in (e.from_account, e.to_account)
      where c.held_minor > 0
      group by c.id
    ) as booked
  );
end;
$$;

grant execute on function public.get_metrics(), private.get_metrics()
to authenticated, service_role;

-- source: 50_payments/get_payouts.sql sha256:251edab7d43eb30495007de5afd5d8c5896b74b7c7801a43c94df251e512385a
-- RPC: the caller's own payouts, newest first; returns `[{id, conversation_id, amount_minor,
-- currency, status, reference, created_at, paid_at}]`; status: owed or paid; reference: of the
-- transfer.
create or replace function public.get_payouts(
  page_size integer default 50,
  before uuid default null
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_payouts(page_size, before);
$$;

-- The amounts that an influencer is owed and was paid.
--
-- Args: how many; an id of that list: the page continues after it.
-- Definer: payouts are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_payouts(p_page_size integer, p_before uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.created_at desc, page.id desc)
      from (
        select
          p.id, p.conversation_id, p.amount_minor, p.currency, p.status, p.reference,
          p.created_at, p.paid_at
        from private.payouts as p
        where p.influencer_id = v_me
          and (
            p_before is null
            or (p.created_at, p.id) < (
              select k.created_at, k.id from private.payouts as k
              where k.id = p_before and k.influencer_id = v_me
            )
          )
        order by p.created_at desc, p.id desc
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

grant execute on function public.get_payouts(integer, uuid), private.get_payouts(integer, uuid)
to authenticated;

-- source: 50_payments/is_disputed.sql sha256:2d4f99f617ed7c1eb5e6db6b98ed3bc8d19e08f628a5db09681a10da15ed0807
-- Whether the payer's bank disputes a payment, or has taken it back.
create or replace function private.is_disputed(p_payment_id text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_disputes as d
    where d.payment_id = p_payment_id and d.status not in ('won', 'closed')
  );
end;
$$;

-- source: 50_payments/list_alerts.sql sha256:558ec667e4f1bc492cb3f9b615124e0fae0c53f92b055e10ce67fac4371e9040
-- RPC: operators' list; returns `[{id, kind, severity, status, conversation_id, razorpay_order_id,
-- razorpay_payment_id, event_row_id, details, seen, first_seen_at, last_seen_at, resolved_at, note,
-- dispute_days, reminder}]`.
create or replace function public.list_alerts(
  status text default 'open',
  page_size integer default 50,
  before bigint default null,
  severity text default null
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.list_alerts(status, page_size, before, severity);
$$;

-- Alerts as they are now: the age of an open dispute counts at reading, because no timer runs.
--
-- dispute_days: how many days the conversation's dispute has been open, if one is. reminder: 7, 30
-- or 50 once it has been open that long. An alert that was resolved before that day is open again,
-- and from day 50 on it is critical: at day 60 the flow ends the dispute.
create or replace view private.alerts_now as
select
  a.id, a.kind, a.conversation_id, a.razorpay_order_id, a.razorpay_payment_id, a.event_row_id,
  a.details, a.seen, a.first_seen_at, a.last_seen_at, a.note,
  case when it.is_open then 'open' else 'resolved' end as status,
  case when not it.is_open then a.resolved_at end as resolved_at,
  case when it.is_open and dispute.days >= 50 then 'critical' else a.severity end as severity,
  case when it.is_open then dispute.days end as dispute_days,
  case when it.is_open then dispute.reminder end as reminder
from private.alerts as a
left join lateral (
  select
    d.opened_at, age.days,
    case
      when age.days >= 50 then 50
      when age.days >= 30 then 30
      when age.days >= 7 then 7
    end as reminder
  from private.disputes as d
  cross join lateral (
    select floor(extract(epoch from now() - d.opened_at) / 86400)::integer as days
  ) as age
  where d.conversation_id = a.conversation_id and d.closed_at is null
) as dispute on true
cross join lateral (
  select a.status = 'open' or coalesce(
    a.resolved_at >= dispute.opened_at
      and a.resolved_at < dispute.opened_at + dispute.reminder * interval '1 day',
    false
  ) as is_open
) as it;

-- A page of alerts as they are now, newest first.
--
-- Args: open or resolved; how many; an id of that list: the page continues after it; info, warning
-- or critical (null: all).
-- Definer: alerts are private.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for another status or severity.
create or replace function private.list_alerts(
  p_status text,
  p_page_size integer,
  p_before bigint,
  p_severity text
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  perform private.check_choice('status', p_status, array['open', 'resolved']);
  perform private.check_choice(
    'severity', coalesce(p_severity, 'info'), array['info', 'warning', 'critical']
  );
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.id desc)
      from (
        select
          a.id, a.kind, a.severity, a.status, a.conversation_id, a.razorpay_order_id,
          a.razorpay_payment_id, a.event_row_id, a.details, a.seen, a.first_seen_at,
          a.last_seen_at, a.resolved_at, a.note, a.dispute_days, a.reminder
        from private.alerts_now as a
        where a.status = p_status
          and a.id < coalesce(p_before, 9223372036854775807)
          and a.severity = coalesce(p_severity, a.severity)
        order by a.id desc
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

grant execute on function
  public.list_alerts(text, integer, bigint, text),
  private.list_alerts(text, integer, bigint, text)
to authenticated, service_role;

-- source: 50_payments/list_payouts.sql sha256:7acffd1dbbc9a96198ee29725afaa06b1e9a7e5640c308c6af7986f53b2b3e2b
-- RPC: operators' list of payouts; returns `[{id, conversation_id, influencer_id, display_name,
-- amount_minor, currency, status, reference, created_at, paid_at, disputed}]`; disputed: the
-- payer's bank disputes the payment, or has taken the money back.
create or replace function public.list_payouts(
  status text default 'owed',
  page_size integer default 50,
  after uuid default null
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.list_payouts(status, page_size, after);
$$;

-- Amounts owed to influencers, oldest first; a person sends the money.
--
-- Args: owed or paid; how many; an id of that list: the page continues after it.
-- Definer: the books are private.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for another status.
create or replace function private.list_payouts(p_status text, p_page_size integer, p_after uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  perform private.check_choice('status', p_status, array['owed', 'paid']);
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.created_at, page.id)
      from (
        select
          p.id, p.conversation_id, p.influencer_id, u.display_name, p.amount_minor, p.currency,
          p.status, p.reference, p.created_at, p.paid_at,
          exists (
            select from private.payment_orders as o
            join private.payments as m on m.payment_order_id = o.id
            where o.conversation_id = p.conversation_id and private.is_disputed(m.payment_id)
          ) as disputed
        from private.payouts as p
        join public.users as u on u.id = p.influencer_id
        where p.status = p_status
          and (
            p_after is null
            or (p.created_at, p.id) > (
              select k.created_at, k.id from private.payouts as k where k.id = p_after
            )
          )
        order by p.created_at, p.id
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

grant execute on function
  public.list_payouts(text, integer, uuid),
  private.list_payouts(text, integer, uuid)
to authenticated, service_role;

-- source: 50_payments/mark_payment_returned.sql sha256:a5cebf0c56304685c7db50938b7d26a38c8b775f63de7c1e8134ae2e6b77c916
-- RPC: operators end the return of a payment; returns `{id, status}`.
create or replace function public.mark_payment_returned(refund_id uuid, reference text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.mark_payment_returned(refund_id, reference);
$$;

-- Records that an operator has sent back a payment that no deal waited for, without the gateway;
-- reference proves it. mark_refunded_manually does it for the refund of a deal.
--
-- Args: the request, of refund_requests in diagnose_conversation; the proof.
-- Definer: the books are private.
-- Locks: the conversation, then the request. Writes: payment_audit, and as private.settle_bounce.
-- Errors: FORBIDDEN (403), also for an operator who is a member of the deal; INPUT_INVALID (422)
-- without a reference, or for a request that is unknown, of another kind or done.
create or replace function private.mark_payment_returned(p_refund_id uuid, p_reference text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reference text;
  v_request private.refunds;
begin
  perform private.require_operator();
  v_reference := private.require_text(p_reference, 'reference', 200);
  perform private.refuse_own(
    (select r.conversation_id from private.refunds as r where r.id = p_refund_id)
  );
  perform 1 from private.conversations as c
  where c.id = (select r.conversation_id from private.refunds as r where r.id = p_refund_id)
  for no key update;
  select r.* into v_request
  from private.refunds as r
  where r.id = p_refund_id and r.kind = 'bounce' and r.status = 'requested'
  for update;
  if not found then
    perform private.raise_input_invalid(
      'refund_id', 'requested', 'There is no such payment to be sent back.'
    );
  end if;
  perform private.settle_bounce(v_request, v_reference);
  insert into private.payment_audit (actor, action, conversation_id, details)
  values (
    'operator:' || coalesce(auth.uid()::text, 'service'), 'payment_returned',
    v_request.conversation_id,
    jsonb_build_object(
      'payment_id', v_request.payment_id, 'amount_minor', v_request.amount_minor,
      'reference', v_reference
    )
  );
  return jsonb_build_object('id', v_request.id, 'status', 'processed');
end;
$$;

grant execute on function
  public.mark_payment_returned(uuid, text),
  private.mark_payment_returned(uuid, text)
to authenticated, service_role;

-- source: 50_payments/mark_payout_paid.sql sha256:a76e47fc67c8486892f07b2f66b2567f9a238530a4c1458ffde252506d91f473
-- RPC: operators mark a payout as paid; returns `{id, status}`.
create or replace function public.mark_payout_paid(payout_id uuid, reference text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.mark_payout_paid(payout_id, reference);
$$;

-- Records that an operator has paid an influencer, and notifies the influencer; reference proves
-- the payment.
--
-- Definer: the books are private.
-- Locks: the payout. Writes: payouts, payment_audit, and as private.notify. Events: notification.
-- Errors: FORBIDDEN (403), also for an operator who is a member of the deal; INPUT_INVALID (422)
-- for a payout that is not owed, or without a reference.
create or replace function private.mark_payout_paid(p_payout_id uuid, p_reference text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reference text;
  v_payout private.payouts;
begin
  perform private.require_operator();
  v_reference := private.require_text(p_reference, 'reference', 200);
  perform private.refuse_own(
    (select p.conversation_id from private.payouts as p where p.id = p_payout_id)
  );
  update private.payouts as p
  set status = 'paid', reference = v_reference, paid_at = now()
  where p.id = p_payout_id and p.status = 'owed'
  returning p.* into v_payout;
  if not found then
    perform private.raise_input_invalid('payout_id', 'owed', 'There is no such payout to be made.');
  end if;
  insert into private.payment_audit (actor, action, conversation_id, details)
  values (
    'operator:' || coalesce(auth.uid()::text, 'service'), 'payout_paid', v_payout.conversation_id,
    jsonb_build_object('amount_minor', v_payout.amount_minor, 'reference', v_reference)
  );
  perform private.notify(
    v_payout.influencer_id, 'payment', v_payout.conversation_id,
    jsonb_build_object('payout_id', v_payout.id, 'amount_minor', v_payout.amount_minor)
  );
  return jsonb_build_object('id', v_payout.id, 'status', v_payout.status);
end;
$$;

grant execute on function public.mark_payout_paid(uuid, text), private.mark_payout_paid(uuid, text)
to authenticated, service_role;

-- source: 50_payments/merge_payment.sql sha256:f47aa5c73355e793f10aecea9ea9260c42f83bf65c7761c222363143af61ad5d
-- Facts about a payment only move forward, so their order of arrival does not matter.

-- Stores Razorpay's facts about a payment. The deal is told when a payment has just failed, or was
-- given back before it was captured; its order stays open, because the bank may still approve it.
-- While a payment is approved and not captured, the action message says so and does not offer Pay.
--
-- Args: our order, its conversation locked; the payment as Razorpay reported it. Returns whether
-- the order has captured money that is not booked yet.
-- Locks: the conversation must be locked already. Writes: payments, and as
-- private.show_authorization and private.tell_deal.
-- Source of the order of statuses:
-- https://razorpay.com/docs/payments/payments/late-authorisation
create or replace function private.merge_payment(
  p_order private.payment_orders,
  p_told private.payments
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  -- An authorization may follow a failure: banks answer late.
  c_statuses constant text[]
    := array['created', 'failed', 'authorized', 'captured', 'refunded'];
  v_behind constant text[] := c_statuses[:array_position(c_statuses, p_told.status) - 1];
  v_now record;
begin
  insert into private.payments as p (
    payment_id, payment_order_id, amount_minor, currency, status, method, captured_at,
    refunded_minor, fee_minor, error_code, error_reason
  )
  values (
    p_told.payment_id, p_order.id, p_told.amount_minor, p_told.currency, p_told.status,
    p_told.method, p_told.captured_at, p_told.refunded_minor, p_told.fee_minor,
    p_told.error_code, p_told.error_reason
  )
  on conflict (payment_id) do update
  set
    status = case when p.status = any (v_behind) then excluded.status else p.status end,
    method = coalesce(excluded.method, p.method),
    captured_at = coalesce(p.captured_at, excluded.captured_at),
    refunded_minor = greatest(p.refunded_minor, excluded.refunded_minor),
    fee_minor = coalesce(excluded.fee_minor, p.fee_minor),
    error_code = case when p.status = any (v_behind) then excluded.error_code else p.error_code end,
    error_reason = case
      when p.status = any (v_behind) then excluded.error_reason else p.error_reason
    end,
    updated_at = clock_timestamp()
  returning
    -- Subqueries see the tables as they were before this statement.
    coalesce(
      (
        select k.status = any (v_behind) from private.payments as k
        where k.payment_id = p_told.payment_id
      ),
      true
    ) as is_ahead,
    (select o.status from private.payment_orders as o where o.id = p_order.id) = 'open' as is_open,
    case when p_told.status in ('failed', 'refunded') then (
      select c from private.conversations as c where c.id = p_order.conversation_id
    ) end as conversation,
    p.captured_at is null as is_unpaid,
    p.captured_at is not null and not exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway' and e.payment_id = p_told.payment_id
    ) or exists (
      select from private.payments as k
      left join private.escrow_ledger as e
        on e.from_account = 'gateway' and e.payment_id = k.payment_id
      where k.payment_order_id = p_order.id
        and k.payment_id <> p_told.payment_id
        and k.captured_at is not null
        and e.id is null
    ) as is_due
  into v_now;
  if v_now.is_ahead and p_told.status = 'authorized' and v_now.is_open then
    perform private.show_authorization(p_order.conversation_id);
  elsif v_now.is_ahead and v_now.is_unpaid and p_told.status in ('failed', 'refunded') then
    perform private.tell_deal(
      v_now.conversation, 'payment_failed',
      jsonb_strip_nulls(jsonb_build_object(
        'payment_id', p_told.payment_id, 'reason', p_told.error_reason
      ))
    );
  end if;
  return v_now.is_due;
end;
$$;

-- source: 50_payments/process_payment_event.sql sha256:3dd6c749a2c6bd157da8c2404be324395fa890e7c1ad4014a33d399d8499c6e1
-- How a webhook moves a deal: apply_event reads the stored event and finds its order, merge_payment
-- stores the new facts, settle_order books captured money, tell_deal gives the flow its action.
-- Refunds and disputes are in take_refund and take_dispute.

-- RPC: service only; processes an event; returns `{outcome, status, event_type, conversation_id,
-- flow_state, razorpay_order_id, razorpay_payment_id}`.
create or replace function public.process_payment_event(
  event_row_id bigint,
  actor text default 'webhook'
)
returns jsonb
language sql
as $$
  select private.process_payment_event(event_row_id, actor);
$$;

-- Applies a stored event, once; then events of the same order that could not be applied before.
--
-- A webhook does not wait for a user who has locked the deal: the outcome is waiting, the event
-- stays received, and the next event, a poll or apply_waiting_event applies it.
-- Args: the event's row; the actor (an operator may process a parked event).
-- Definer: the events are private. Plans are generic, as private.take_action's, and never scan a
-- table: a session would keep a scan that it planned while the table was small.
-- Locks: the event, waiting for 1.5 seconds at most, then as private.apply_event. Writes: as
-- private.apply_event.
-- Errors: INPUT_INVALID (422) for an unknown row.
create or replace function private.process_payment_event(p_event_row_id bigint, p_actor text)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
as $$
declare
  v_event private.payment_events;
  v_other private.payment_events;
  v_outcome text := 'duplicate';
  v_flow_state text;
  v_is_followed boolean;
begin
  v_event := (select e from private.payment_events as e where e.id = p_event_row_id for update);
  if v_event.id is null then
    perform private.raise_input_invalid('event_row_id', 'known', 'There is no such event.');
  end if;
  if v_event.status = 'received'
    or v_event.status = 'parked' and v_event.body is not null and p_actor like 'operator:%' then
    v_event := private.apply_event(v_event, coalesce(p_actor, 'webhook'));
    v_outcome := v_event.outcome;
  end if;
  select
    (select c.flow_state from private.conversations as c where c.id = v_event.conversation_id),
    v_outcome not in ('duplicate', 'waiting', 'try_again', 'ignored_event_type') and exists (
      select from private.payment_events as e
      where e.razorpay_order_id = v_event.razorpay_order_id
        and e.status = 'received'
        and e.lock_timeouts > 0
    )
  into v_flow_state, v_is_followed;
  if v_is_followed then
    for v_other in
      select e.*
      from private.payment_events as e
      where e.razorpay_order_id = v_event.razorpay_order_id
        and e.status = 'received'
        and e.lock_timeouts > 0
      order by e.id
      for update skip locked
    loop
      perform private.apply_event(v_other, coalesce(p_actor, 'webhook'));
    end loop;
    v_flow_state := (
      select c.flow_state from private.conversations as c where c.id = v_event.conversation_id
    );
  end if;
  return jsonb_object(array[
    'outcome', v_outcome,
    'status', v_event.status,
    'event_type', v_event.event_type,
    'conversation_id', v_event.conversation_id::text,
    'flow_state', v_flow_state,
    'razorpay_order_id', v_event.razorpay_order_id,
    'razorpay_payment_id', v_event.razorpay_payment_id
  ]);
end;
$$;

-- Reads an event, finds its order, applies it, and stores the outcome.
--
-- It waits 200 ms for a lock, then counts the timeout on the event and opens an alert, which is
-- resolved when the event is applied. It counts errors in Parley as well; the fifth parks the
-- event, before Razorpay gives up and disables the webhook.
-- Args: the event, locked, not yet processed; the actor. Returns the event afterwards; with outcome
-- waiting or try_again it stays received.
-- Locks: the conversation, its order, and the rows of the deal's step. Writes: payment_events,
-- payment_orders, alerts, and as private.merge_payment, private.settle_order, private.take_refund,
-- private.take_dispute and private.conclude.
-- Source of the five: Razorpay tries for 24 hours,
-- https://razorpay.com/docs/webhooks/best-practices
create or replace function private.apply_event(p_event private.payment_events, p_actor text)
returns private.payment_events
language plpgsql
set search_path = ''
set lock_timeout = '200ms'
as $$
declare
  c_most constant integer := 5;
  -- As private.merge_payment; a test compares them.
  c_statuses constant text[]
    := array['created', 'failed', 'authorized', 'captured', 'refunded'];
  v_said jsonb;
  v_payload jsonb;
  v_order_id text;
  v_payment private.payments;
  v_told private.payment_orders;
  v_refund private.payment_refunds;
  v_dispute private.payment_disputes;
  v_is_read boolean := false;
  v_found record;
  v_order private.payment_orders;
  v_is_due boolean;
  v_subject text;
  v_outcome text;
  v_settled text := 'noop';
  v_fault text;
  v_status text := 'processed';
  v_event private.payment_events;
begin
  begin
    -- 1. Read it.
    v_said := convert_from(p_event.body, 'UTF8')::jsonb;
    v_payload := v_said -> 'payload';
    if jsonb_typeof(v_said -> 'event') is distinct from 'string' then
      raise exception 'not an event' using errcode = 'invalid_parameter_value';
    -- https://razorpay.com/docs/webhooks/payments; other types are stored and ignored.
    elsif p_event.event_type not in (
      'order.paid', 'payment.authorized', 'payment.captured', 'payment.failed',
      'refund.created', 'refund.processed', 'refund.failed', 'refund.speed_changed',
      'payment.dispute.created', 'payment.dispute.under_review',
      'payment.dispute.action_required', 'payment.dispute.won', 'payment.dispute.lost',
      'payment.dispute.closed'
    ) then
      v_outcome := 'ignored_event_type';
    else
      v_payment := private.read_payment(v_payload #> '{payment,entity}');
      if v_payload #>> '{payment,entity,order_id}' is not null then
        v_order_id := private.read_id(v_payload #> '{payment,entity}', 'order_id', 'order_');
      end if;
      if v_payload ?| '{order,refund,dispute}' then
        if coalesce(v_payload #> '{order,entity}', 'null') <> 'null' then
          v_told := private.read_order(v_payload #> '{order,entity}');
          v_order_id := coalesce(v_order_id, v_told.razorpay_order_id);
        end if;
        if coalesce(v_payload #> '{refund,entity}', 'null') <> 'null' then
          v_refund := private.read_refund(v_payload #> '{refund,entity}');
        end if;
        if coalesce(v_payload #> '{dispute,entity}', 'null') <> 'null' then
          v_dispute := private.read_dispute(v_payload #> '{dispute,entity}');
        end if;
      end if;
      if p_event.event_type like 'order.%' and v_told.razorpay_order_id is null
        or p_event.event_type like 'refund.%' and v_refund.refund_id is null
        or p_event.event_type like 'payment.dispute.%' and v_dispute.dispute_id is null then
        raise exception 'an entity of % is missing', p_event.event_type
          using errcode = 'invalid_parameter_value';
      end if;
      if left(v_said ->> 'account_id', 100) <> p_event.account_id then
        v_outcome := 'foreign_account';
        v_subject := left(v_said ->> 'account_id', 100);
      end if;
    end if;
    v_is_read := true;

    -- 2. Find our order: by Razorpay's id; by our receipt, when Razorpay's answer to us was lost;
    -- by the payment, because a refund or dispute may name nothing else.
    if v_outcome is null then
      select
        o as payment_order,
        -- All facts are stored already, and captured money is booked.
        array_position(c_statuses, p.status) >= array_position(c_statuses, v_payment.status)
          and (v_payment.captured_at is null or p.captured_at is not null)
          and p.refunded_minor >= v_payment.refunded_minor
          and (v_payment.fee_minor is null or p.fee_minor is not null)
          and (p.captured_at is null or l.id is not null) as is_known
      into v_found
      from private.payment_orders as o
      left join private.payments as p
        on p.payment_order_id = o.id and p.payment_id = v_payment.payment_id
      left join private.escrow_ledger as l
        on l.from_account = 'gateway' and l.payment_id = v_payment.payment_id
      where o.razorpay_order_id = v_order_id;
      v_order := v_found.payment_order;
      if v_order.id is not null then
        null;
      elsif v_order_id is null then
        select o.* into v_order
        from private.payment_orders as o
        where o.id = (
          select p.payment_order_id from private.payments as p
          where p.payment_id = v_payment.payment_id
        );
        v_order_id := v_order.razorpay_order_id;
      else
        select o.* into v_order
        from private.payment_orders as o
        where o.razorpay_order_id is null
          and v_told.razorpay_order_id = v_order_id
          and (o.receipt, o.amount_minor, o.currency, o.mode)
            = (v_told.receipt, v_told.amount_minor, v_told.currency, p_event.mode);
      end if;
      if v_order.id is null then
        v_outcome := 'unknown_order';
        v_subject := coalesce(v_order_id, 'none');
      elsif v_order.mode <> p_event.mode then
        v_outcome := 'mode_mismatch';
        v_subject := v_order.razorpay_order_id;
      end if;
    end if;

    -- 3. Apply it. Facts only move forward, so known and settled facts need no lock.
    if v_outcome is not null then
      perform private.conclude(
        v_outcome, v_order, v_payment.payment_id, v_subject, p_actor, p_event.id,
        jsonb_strip_nulls(jsonb_build_object(
          'event_type', p_event.event_type, 'razorpay_order_id', v_order_id,
          'account_id', left(v_said ->> 'account_id', 100), 'mode', p_event.mode
        ))
      );
    elsif v_refund.refund_id is null and v_dispute.dispute_id is null
      and v_found.is_known then
      v_outcome := 'noop';
    else
      perform 1 from private.conversations as c
      where c.id = v_order.conversation_id
      for no key update;
      if v_order.razorpay_order_id is null then
        update private.payment_orders as o
        set razorpay_order_id = v_order_id, updated_at = clock_timestamp()
        where o.id = v_order.id and o.razorpay_order_id is null;
        v_order.razorpay_order_id := v_order_id;
      end if;
      v_is_due := private.merge_payment(v_order, v_payment);
      -- Before new refunds: a refund that was made already answers its request.
      if v_refund.refund_id is not null then
        v_outcome := private.take_refund(
          v_order, v_refund, v_payment.error_reason, p_actor, p_event.id
        );
      end if;
      if v_is_due then
        v_settled := private.settle_order(v_order, v_told, p_actor, p_event.id);
      end if;
      -- After the payment: the bank disputes held money.
      if v_dispute.dispute_id is not null then
        v_outcome := private.take_dispute(v_order, v_dispute, p_actor, p_event.id);
      end if;
      if v_outcome is null or v_settled <> 'noop' then
        v_outcome := v_settled;
      end if;
    end if;
  exception
    when serialization_failure or deadlock_detected or lock_not_available then
      v_outcome := 'waiting';
    when others then
      v_fault := left(sqlstate || ': ' || sqlerrm, 1000);
      v_outcome := case
        -- data_exception and program_limit_exceeded
        when not v_is_read and left(sqlstate, 2) in ('22', '54') then 'malformed'
        when p_event.attempts + 1 < c_most then 'try_again'
        else 'processing_failed'
      end;
  end;

  -- 4. Store the outcome.
  if v_outcome not in ('applied', 'noop') then
    v_status := (select o.status from private.payment_outcomes() as o where o.outcome = v_outcome);
    if v_outcome in ('waiting', 'malformed', 'processing_failed') then
      perform private.conclude(
        v_outcome, v_order, v_payment.payment_id, p_event.id::text, p_actor, p_event.id,
        jsonb_strip_nulls(jsonb_build_object(
          'event_type', p_event.event_type, 'razorpay_order_id', v_order_id,
          'account_id', left(v_said ->> 'account_id', 100), 'mode', p_event.mode,
          'error', left(v_fault, 200),
          'times', case when v_outcome = 'waiting' then p_event.lock_timeouts + 1 end
        ))
      );
    end if;
  end if;
  if p_event.lock_timeouts > 0 and v_outcome not in ('waiting', 'processing_failed') then
    update private.alerts as a
    set status = 'resolved', resolved_at = now(), note = 'Applied by ' || p_actor
    where a.key = 'waiting:' || p_event.id and a.status = 'open';
  end if;
  update private.payment_events as e
  set
    status = v_status,
    outcome = v_outcome,
    error = v_fault,
    attempts = e.attempts + (v_outcome <> 'waiting')::integer,
    lock_timeouts = e.lock_timeouts + (v_outcome = 'waiting')::integer,
    next_try_at
      = now() + least((e.lock_timeouts + 1) * interval '2 seconds', interval '1 minute'),
    razorpay_order_id = coalesce(v_order_id, e.razorpay_order_id),
    razorpay_payment_id = coalesce(v_payment.payment_id, e.razorpay_payment_id),
    conversation_id = coalesce(v_order.conversation_id, e.conversation_id),
    processed_at = case when v_status <> 'received' then clock_timestamp() end
  where e.id = p_event.id
  returning e.* into v_event;
  return v_event;
end;
$$;

grant execute on function
  public.process_payment_event(bigint, text), private.process_payment_event(bigint, text)
to service_role;

-- source: 50_payments/read_payment.sql sha256:661667a31106ce4dbc1309d869db721603a46ee9fd99815a60092f476232f245
-- Reads Razorpay's entities (payment, order, refund, dispute) from untrusted JSON. Amounts are
-- whole JSON numbers in paise.
--
-- Errors: 22023 for an entity that is not as documented; the error names the field, not its value.

-- A payment entity.
--
-- A payment counts as captured by its status: captured, or refunded. The field `captured` is not
-- trusted: published samples of failed and of authorized payments have true.
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/payments/entity
create or replace function private.read_payment(p_entity jsonb)
returns private.payments
language plpgsql
stable
set search_path = ''
as $$
declare
  v_status constant text := p_entity ->> 'status';
  v_id text;
  v_paise bigint[];
begin
  if (
    v_status in ('created', 'failed', 'authorized', 'captured', 'refunded')
    and p_entity ->> 'currency' ~ '^[A-Z]{3}$'
  ) is not true then
    raise exception 'the status or the currency of a payment is not as documented'
      using errcode = 'invalid_parameter_value';
  end if;
  v_id := private.read_id(p_entity, 'id', 'pay_');
  v_paise := private.read_amounts(p_entity, 'amount', 'amount_refunded', 'fee');
  return row(
    v_id,
    null,
    v_paise[1],
    p_entity ->> 'currency',
    v_status,
    left(p_entity ->> 'method', 40),
    case
      when v_status = 'captured'
        or v_status = 'refunded' and p_entity -> 'captured' = 'true' then clock_timestamp()
    end,
    coalesce(v_paise[2], 0),
    v_paise[3],
    left(p_entity ->> 'error_code', 100),
    left(coalesce(p_entity ->> 'error_description', p_entity ->> 'error_reason'), 200),
    null,
    null
  )::private.payments;
end;
$$;

-- An order entity: its id, amount, currency and receipt.
--
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/orders/entity
create or replace function private.read_order(p_entity jsonb)
returns private.payment_orders
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  v_order.razorpay_order_id := private.read_id(p_entity, 'id', 'order_');
  v_order.amount_minor := (private.read_amounts(p_entity, 'amount'))[1];
  v_order.currency := private.read_currency(p_entity);
  v_order.receipt := p_entity ->> 'receipt';
  return v_order;
end;
$$;

-- A refund entity. request_id is the request that its receipt names, if there is one.
--
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/refunds/entity
create or replace function private.read_refund(p_entity jsonb)
returns private.payment_refunds
language plpgsql
stable
set search_path = ''
as $$
declare
  v_refund private.payment_refunds;
begin
  v_refund.refund_id := private.read_id(p_entity, 'id', 'rfnd_');
  v_refund.payment_id := private.read_id(p_entity, 'payment_id', 'pay_');
  v_refund.amount_minor := (private.read_amounts(p_entity, 'amount'))[1];
  v_refund.currency := private.read_currency(p_entity);
  v_refund.status := case
    when p_entity ->> 'status' in ('processed', 'failed') then p_entity ->> 'status'
    else 'created'
  end;
  v_refund.request_id := (
    select r.id from private.refunds as r
    where r.payment_id = v_refund.payment_id and r.id::text = p_entity ->> 'receipt'
  );
  return v_refund;
end;
$$;

-- A dispute entity.
--
-- Errors: 22023.
-- Source: https://razorpay.com/docs/api/disputes/entity
create or replace function private.read_dispute(p_entity jsonb)
returns private.payment_disputes
language plpgsql
stable
set search_path = ''
as $$
declare
  v_dispute private.payment_disputes;
begin
  v_dispute.dispute_id := private.read_id(p_entity, 'id', 'disp_');
  v_dispute.payment_id := private.read_id(p_entity, 'payment_id', 'pay_');
  v_dispute.amount_minor := (private.read_amounts(p_entity, 'amount'))[1];
  v_dispute.currency := private.read_currency(p_entity);
  v_dispute.status := p_entity ->> 'status';
  if private.dispute_rank(v_dispute.status) is null then
    raise exception 'the status of a dispute is not as documented'
      using errcode = 'invalid_parameter_value';
  end if;
  v_dispute.phase := left(p_entity ->> 'phase', 40);
  v_dispute.reason_code := left(p_entity ->> 'reason_code', 100);
  v_dispute.respond_by := to_timestamp((private.read_amounts(p_entity, 'respond_by'))[1]);
  return v_dispute;
end;
$$;

-- An id of Razorpay: these letters, then 1 to 40 of its alphabet.
--
-- Errors: 22023.
create or replace function private.read_id(p_entity jsonb, p_field text, p_begins text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_id constant text := p_entity ->> p_field;
begin
  -- A count such as {1,40} in the pattern makes it twenty times slower.
  if v_id ~ ('^' || p_begins || '[0-9A-Za-z]+$') and length(v_id) <= length(p_begins) + 40 then
    return v_id;
  end if;
  raise exception '% is missing or no id', p_field using errcode = 'invalid_parameter_value';
end;
$$;

-- Numbers of an entity: amounts in paise, up to a quadrillion, or a time in seconds. A field that
-- is missing gives null; only `amount` must be there, and is at least 1.
--
-- Errors: 22023 for texts, fractions, negative and huge numbers, and where amount is missing or 0.
create or replace function private.read_amounts(p_entity jsonb, variadic p_fields text[])
returns bigint[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_field text;
  v_value text;
  v_paise bigint[];
begin
  foreach v_field in array p_fields loop
    v_value := coalesce((p_entity -> v_field)::text, 'null');
    if not (
      case
        when v_value ~ '^[0-9]+$' then
          v_value::numeric <= 1000000000000000 and (v_value <> '0' or v_field <> 'amount')
        else v_value = 'null' and v_field <> 'amount'
      end
    ) then
      raise exception '% is no amount in paise', v_field using errcode = 'invalid_parameter_value';
    end if;
    v_paise := v_paise || nullif(v_value, 'null')::bigint;
  end loop;
  return v_paise;
end;
$$;

-- A currency: three capital letters.
--
-- Errors: 22023.
create or replace function private.read_currency(p_entity jsonb)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  if (p_entity ->> 'currency' ~ '^[A-Z]{3}$') is not true then
    raise exception 'the currency is missing or none' using errcode = 'invalid_parameter_value';
  end if;
  return p_entity ->> 'currency';
end;
$$;

-- source: 50_payments/record_payment_event.sql sha256:5399bfa2f296679867938c2343c1f3542cce8a28af56bc976bf2f66139fb0a6f
-- Stores the raw bytes of an authentic event before anything else, so that nothing is lost.
-- process_payment_event then applies it.

-- RPC: service only; stores an event; returns `{event_row_id, duplicate, event_type,
-- razorpay_order_id}`.
create or replace function public.record_payment_event(
  event_id text,
  body_base64 text,
  headers jsonb default '{}',
  secret_slot text default 'current',
  mode text default 'test',
  account_id text default null
)
returns jsonb
language sql
as $$
  select private.record_payment_event(
    event_id, body_base64, headers, secret_slot, mode, account_id
  );
$$;

-- Stores an event, or counts one more delivery of it.
--
-- Its commit does not wait for the disk. The commit of process_payment_event waits for both, and
-- only then does the app answer; after a crash in between Razorpay sends the event again.
-- Args: Razorpay's id of it (the body's hash replaces a missing or odd one); the signed body in
-- base64; headers to keep; the secret that signed it, current or previous; the mode of that secret;
-- the account that must have sent it (null: any).
-- Definer: the events are private. Plans are generic, as private.take_action's.
-- Locks: the event. Writes: payment_events, and as private.conclude.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.record_payment_event(
  p_event_id text,
  p_body_base64 text,
  p_headers jsonb,
  p_secret_slot text,
  p_mode text,
  p_account_id text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_body bytea;
  v_said jsonb;
  v_event_type text;
  v_order_id text;
  v_event_id text := p_event_id;
  v_row_id bigint;
  v_deliveries integer;
  v_is_reused boolean := false;
begin
  perform set_config('synchronous_commit', 'off', true);
  begin
    v_body := decode(coalesce(p_body_base64, '-'), 'base64');
    v_said := convert_from(v_body, 'UTF8')::jsonb;
  exception
    when data_exception or program_limit_exceeded then
      if v_body is null then
        perform private.raise_input_invalid('body_base64', 'base64', 'The body is not base64.');
      end if;
      -- Unreadable bytes are stored too.
  end;
  if (p_secret_slot in ('current', 'previous') and p_mode in ('test', 'live')) is not true then
    perform private.check_choice('secret_slot', p_secret_slot, array['current', 'previous']);
    perform private.check_choice('mode', p_mode, array['test', 'live']);
  end if;
  -- Type and ids of the event, unchecked, for searches.
  v_event_type := left(v_said ->> 'event', 100);
  v_order_id := left(
    coalesce(
      v_said #>> '{payload,payment,entity,order_id}', v_said #>> '{payload,order,entity,id}'
    ),
    100
  );
  -- A length and a plain pattern: a count in the pattern makes it twenty times slower.
  if (p_event_id ~ '^[A-Za-z0-9_-]+$' and length(p_event_id) <= 100) is not true then
    v_event_id := 'sha256:' || encode(sha256(v_body), 'hex');
  end if;
  loop
    insert into private.payment_events as e (
      event_id, sha256, body, headers, secret_slot, mode, account_id, event_type,
      razorpay_order_id
    )
    values (
      v_event_id, sha256(v_body), v_body, coalesce(p_headers, '{}'), p_secret_slot, p_mode,
      p_account_id, v_event_type, v_order_id
    )
    on conflict (event_id) do update
    set deliveries = e.deliveries + 1
    where e.sha256 = excluded.sha256
    returning e.id, e.deliveries into v_row_id, v_deliveries;
    exit when found;
    -- Only the body is signed, so anybody can send another body under a known id. It is stored as
    -- another event.
    v_is_reused := true;
    v_event_id := 'sha256:' || encode(sha256(v_body), 'hex');
  end loop;
  if v_is_reused then
    perform private.conclude(
      'event_id_reused', null, null, p_event_id, 'webhook', v_row_id,
      jsonb_build_object('event_id', p_event_id)
    );
  end if;
  return jsonb_build_object(
    'event_row_id', v_row_id,
    'duplicate', v_deliveries > 1,
    'event_type', v_event_type,
    'razorpay_order_id', v_order_id
  );
end;
$$;

grant execute on function
  public.record_payment_event(text, text, jsonb, text, text, text),
  private.record_payment_event(text, text, jsonb, text, text, text)
to service_role;

-- source: 50_payments/record_refund_result.sql sha256:b6cc075dd8c72299bb22e696c0c8e48c135658266f4841abf5554699b2820d71
-- RPC: service only; records Razorpay's answer to a refund; returns `{outcome}`: refund_processed,
-- refund_pending, refund_failed, refund_mismatch, try_later, noop.
create or replace function public.record_refund_result(
  refund_id uuid,
  entity jsonb default null,
  error jsonb default null
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.record_refund_result(refund_id, entity, error);
$$;

-- Records Razorpay's answer to a refund that the app sent or asked about.
--
-- Args: our request; Razorpay's refund; or the failure, `{"kind": "refused" or "unavailable",
-- "reason"}`: the deal and operators are told of a refusal; any other failure is only retried.
-- Definer: the books are private.
-- Locks: the conversation, then the request. Writes: as private.take_refund, private.fail_refund
-- and private.conclude.
-- Errors: INPUT_INVALID (422) for an unknown request.
create or replace function private.record_refund_result(
  p_refund_id uuid,
  p_entity jsonb,
  p_error jsonb
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  c_failed constant text := 'The refund failed at the bank.';
  v_request private.refunds;
  v_order private.payment_orders;
  v_told private.payment_refunds;
  v_reason constant text := coalesce(p_error ->> 'reason', p_error #>> '{}');
begin
  select r.* into v_request from private.refunds as r where r.id = p_refund_id;
  if not found then
    perform private.raise_input_invalid('refund_id', 'known', 'There is no such refund.');
  end if;
  perform private.lock_conversation(v_request.conversation_id, null);
  select r.* into v_request from private.refunds as r where r.id = p_refund_id for update;
  select o.* into v_order
  from private.payments as p
  join private.payment_orders as o on o.id = p.payment_order_id
  where p.payment_id = v_request.payment_id;
  if p_entity is null then
    if v_request.status <> 'requested' then
      return jsonb_build_object('outcome', 'noop');
    end if;
    if coalesce(p_error ->> 'kind', 'refused') <> 'refused' then
      return jsonb_build_object('outcome', 'try_later');
    end if;
    perform private.fail_refund(v_request, v_reason);
    perform private.conclude(
      'refund_failed', v_order, v_request.payment_id, v_request.id::text, 'refunds', null,
      jsonb_build_object(
        'request_id', v_request.id, 'amount_minor', v_request.amount_minor, 'reason', v_reason
      )
    );
    return jsonb_build_object('outcome', 'refund_failed');
  end if;
  begin
    v_told := private.read_refund(p_entity);
  exception
    when data_exception then
      v_told := null;
  end;
  if (v_told.payment_id, v_told.amount_minor, v_told.currency)
    is distinct from (v_request.payment_id, v_request.amount_minor, v_request.currency) then
    perform private.conclude(
      'refund_mismatch', v_order, v_request.payment_id, v_request.id::text, 'refunds', null,
      jsonb_build_object('request_id', v_request.id, 'entity', p_entity - 'notes')
    );
    return jsonb_build_object('outcome', 'refund_mismatch');
  end if;
  v_told.request_id := v_request.id;
  return jsonb_build_object(
    'outcome', private.take_refund(v_order, v_told, c_failed, 'refunds', null)
  );
end;
$$;

grant execute on function
  public.record_refund_result(uuid, jsonb, jsonb),
  private.record_refund_result(uuid, jsonb, jsonb)
to service_role;

-- source: 50_payments/replay_payment_event.sql sha256:21c3a401f7edefbeb23fc2ce6d4a1a499d13c38f2bb43a07c78892bcca24559c
-- RPC: operators have an event processed again; returns the answer of process_payment_event.
create or replace function public.replay_payment_event(event_row_id bigint)
returns jsonb
language sql
set search_path = ''
as $$
  select private.replay_payment_event(event_row_id);
$$;

-- Processes a parked or unfinished event again, once its cause is fixed.
--
-- Definer: the events are private.
-- Locks, writes: as private.process_payment_event.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for an unknown row.
create or replace function private.replay_payment_event(p_event_row_id bigint)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
begin
  perform private.require_operator();
  return private.process_payment_event(
    p_event_row_id, 'operator:' || coalesce(auth.uid()::text, 'service')
  );
end;
$$;

grant execute on function public.replay_payment_event(bigint), private.replay_payment_event(bigint)
to authenticated, service_role;

-- source: 50_payments/resolve_alert.sql sha256:826e3bf7f23e1ff2aa5c44c3fce923f3b65fc4f67679598cd4fae7bb92a37e0c
-- RPC: operators resolve an alert; returns `{id, status}`.
create or replace function public.resolve_alert(alert_id bigint, note text default null)
returns jsonb
language sql
set search_path = ''
as $$
  select private.resolve_alert(alert_id, note);
$$;

-- Resolves an alert. The same cause later opens a new one.
--
-- Definer: alerts are private.
-- Writes: alerts.
-- Errors: FORBIDDEN (403), also for an operator who is a member of the alert's conversation;
-- INPUT_INVALID (422) for an alert that is not open, or a note that is too long or has control
-- characters.
create or replace function private.resolve_alert(p_alert_id bigint, p_note text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_note text;
begin
  perform private.require_operator();
  v_note := private.read_text(p_note, 'note', 1000, p_rule => 'max');
  perform private.refuse_own(
    (select a.conversation_id from private.alerts as a where a.id = p_alert_id)
  );
  update private.alerts as a
  set
    status = 'resolved', resolved_at = now(), note = v_note,
    resolved_by = (select u.id from public.users as u where u.id = auth.uid())
  where a.id = p_alert_id
    and exists (select from private.alerts_now as n where n.id = a.id and n.status = 'open');
  if not found then
    perform private.raise_input_invalid('alert_id', 'open', 'There is no such open alert.');
  end if;
  return jsonb_build_object('id', p_alert_id, 'status', 'resolved');
end;
$$;

grant execute on function public.resolve_alert(bigint, text), private.resolve_alert(bigint, text)
to authenticated, service_role;

-- source: 50_payments/scrub_payment_events.sql sha256:9bee7340515f5743a88ec2f0a78f48d92f01fd6f5e57ad7fa110e76bd5555882
-- RPC: operators scrub bodies older than 180 days; returns `{scrubbed}`.
create or replace function public.scrub_payment_events(max_rows integer default 100)
returns jsonb
language sql
set search_path = ''
as $$
  select private.scrub_payment_events(max_rows);
$$;

-- Empties the raw bodies of old events, which hold names and addresses of payers; the payments and
-- refunds that were read from them stay.
--
-- Args: how many at most.
-- Definer: the events are private.
-- Writes: payment_events.
-- Errors: FORBIDDEN (403).
create or replace function private.scrub_payment_events(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_kept constant interval := interval '180 days';
  v_count integer;
begin
  perform private.require_operator();
  update private.payment_events as e
  set body = null
  where e.id in (
    select old.id
    from private.payment_events as old
    where old.body is not null and old.received_at < now() - c_kept and old.status <> 'received'
    order by old.received_at
    limit private.clamp_page_size(p_max_rows, 100, 1000)
    for update skip locked
  );
  get diagnostics v_count = row_count;
  return jsonb_build_object('scrubbed', v_count);
end;
$$;

grant execute on function
  public.scrub_payment_events(integer),
  private.scrub_payment_events(integer)
to authenticated, service_role;

-- source: 50_payments/settle_order.sql sha256:adfcffabc970ea85b2e8a05fe901ca1ae050a6451564b9fd9c0214c8f735dafc
-- Booking captured money of a deal, for webhooks and polls.

-- Settles each captured payment of an order that is not booked yet: the deal moves on, or the money
-- is refunded.
--
-- Args: the order, its conversation locked; Razorpay's order (nulls: not reported); the actor; the
-- event (null: a poll). Returns the outcome of the highest severity; noop when there was nothing to
-- settle.
-- Locks: the conversation must be locked already. Writes: payment_orders, and as
-- private.run_deadlines, private.tell_deal and private.conclude.
create or replace function private.settle_order(
  p_order private.payment_orders,
  p_told private.payment_orders,
  p_actor text,
  p_event_row_id bigint
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_found record;
  v_payment private.payments;
  v_order private.payment_orders;
  v_conversation private.conversations;
  v_left bigint;
  v_fact text;
  v_refusal text;
  v_next text;
  v_outcome text := 'noop';
begin
  for v_found in
    select p as payment, o as payment_order, c as conversation
    from private.payments as p
    join private.payment_orders as o on o.id = p.payment_order_id
    join private.conversations as c on c.id = o.conversation_id
    where o.id = p_order.id
      and p.captured_at is not null
      and not exists (
        select from private.escrow_ledger as e
        where e.from_account = 'gateway' and e.payment_id = p.payment_id
      )
    -- A refunded payment must not end the order before the payment that pays it.
    order by p.refunded_minor >= p.amount_minor, p.captured_at, p.payment_id
  loop
    v_payment := v_found.payment;
    if v_next is null then
      v_order := v_found.payment_order;
      v_conversation := v_found.conversation;
    else
      -- The payment before this one may have moved the deal and ended the order.
      select o.* into v_order from private.payment_orders as o where o.id = p_order.id;
      select c.* into v_conversation
      from private.conversations as c
      where c.id = v_order.conversation_id;
    end if;
    v_left := v_payment.amount_minor - v_payment.refunded_minor;
    v_refusal := null;
    if v_order.mode <> private.get_setting('payment_mode') #>> '{}' then
      -- An order from before a change of payment_mode pays for nothing.
      v_next := 'mode_mismatch';
    elsif v_left <= 0 then
      v_next := case
        when v_order.status = 'open' then 'refunded_before_completion'
        else 'noop'
      end;
    else
      if v_conversation.deadline_at <= clock_timestamp() then
        v_conversation := private.run_deadlines(v_conversation, p_is_trial => false);
      end if;
      v_next := private.judge_payment(v_conversation, v_order, v_payment, p_told);
      v_fact := 'payment_captured';
      if v_next <> 'applied' then
        -- A deal that still waits for a payment has a move for one that does not match.
        if exists (
          select from private.flow_transitions as t
          where t.flow_id = v_conversation.flow_id
            and t.from_state = v_conversation.flow_state
            and t.action = 'payment_mismatch'
        ) then
          v_fact := 'payment_mismatch';
        end if;
      end if;
      v_refusal := private.tell_deal(
        v_conversation, v_fact,
        jsonb_build_object(
          'payment_id', v_payment.payment_id,
          'amount_minor', case when v_next = 'applied' then v_order.amount_minor else v_left end,
          'currency', v_payment.currency
        )
      );
      if v_refusal is not null then
        v_next := 'captured_out_of_flow';
      end if;
    end if;
    -- Razorpay accepts no second payment of an order, so the next press on Pay makes a new one.
    if v_next not in ('applied', 'mode_mismatch', 'captured_out_of_flow') then
      update private.payment_orders as o
      set status = 'superseded', updated_at = clock_timestamp()
      where o.id = v_order.id and o.status = 'open';
      if found then
        perform private.show_payment_order(v_order.conversation_id, null, null);
      end if;
    end if;
    perform private.conclude(
      v_next, v_order, v_payment.payment_id, v_payment.payment_id, p_actor, p_event_row_id,
      jsonb_strip_nulls(jsonb_build_object(
        'amount_minor', v_payment.amount_minor, 'currency', v_payment.currency,
        'asked_minor', v_order.amount_minor, 'refunded_minor', v_payment.refunded_minor,
        'fee_minor', v_payment.fee_minor, 'flow_state', v_conversation.flow_state,
        'mode', v_order.mode, 'refusal', v_refusal
      ))
    );
    if v_outcome in ('noop', 'applied') then
      v_outcome := v_next;
    end if;
  end loop;
  return v_outcome;
end;
$$;

-- The meaning of a captured payment for its deal: applied when the deal waits for exactly this
-- payment, otherwise the reason for its refund.
--
-- Args: the conversation as it is now; the order; the payment; Razorpay's order.
create or replace function private.judge_payment(
  p_conversation private.conversations,
  p_order private.payment_orders,
  p_payment private.payments,
  p_told private.payment_orders
)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_left constant bigint := p_payment.amount_minor - p_payment.refunded_minor;
begin
  return case
    when p_payment.currency <> p_order.currency then 'currency_mismatch'
    when p_told.amount_minor <> p_order.amount_minor or p_told.currency <> p_order.currency
      then 'amount_mismatch'
    when p_conversation.captured_minor > 0 and p_order.status = 'paid' then 'double_payment'
    when p_conversation.chat_status = 'closed' then 'captured_after_closed'
    when p_order.status = 'superseded' then 'superseded_order'
    when p_conversation.captured_minor > 0 then 'double_payment'
    when v_left = p_order.amount_minor then 'applied'
    -- The payer bears Razorpay's fee on top of the price.
    when v_left - p_payment.fee_minor = p_order.amount_minor then 'applied'
    when v_left < p_order.amount_minor then 'underpaid'
    else 'amount_mismatch'
  end;
end;
$$;

-- source: 50_payments/show_payment_order.sql sha256:a032878ca310d22ce28c768a80a65e201c53a1b25716c10d4b8870f6c70a9fce
-- Copies the present order into the deal's data and into the brand owner's open action message;
-- removes a superseded one (p_order null).
--
-- Args: the conversation, locked; the order; the settings of the checkout, for the brand owner
-- only.
-- Writes: conversations, messages, participants.
create or replace function private.show_payment_order(
  p_conversation_id uuid,
  p_order private.payment_orders,
  p_checkout jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_shown constant jsonb := private.payment_order_json(p_order);
begin
  update private.conversations as c
  set flow_data = case
    when p_order.id is null then c.flow_data - 'payment_order'
    else c.flow_data || jsonb_build_object('payment_order', v_shown)
  end
  where c.id = p_conversation_id and c.flow_data ? 'payment_order';
  update public.messages as m
  set
    action_data = case
      when p_order.id is null then m.action_data - 'payment_order'
      else m.action_data || jsonb_build_object(
        'payment_order', case
          when p_checkout is null then v_shown
          else v_shown || jsonb_build_object('razorpay_config', p_checkout)
        end
      )
    end,
    updated_at = clock_timestamp()
  where m.conversation_id = p_conversation_id
    and m.action_required
    and not m.action_completed
    and m.visible_to <> 'all'
    and m.action_data ? 'payment_order';
  -- This is no step of the flow, so the conversation's version stays, and the members' versions
  -- rise.
  update private.participants as p
  set version = p.version + 1
  where p.conversation_id = p_conversation_id;
end;
$$;

-- Says in the brand owner's open action message that the bank has approved a payment that is not
-- captured yet, and removes the button to pay. The next step of the deal draws its own buttons.
--
-- Args: the conversation, locked. Writes: messages, participants.
create or replace function private.show_authorization(p_conversation_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  c_says constant text
    := 'Your bank has approved the payment. It is being confirmed: there is nothing to do.';
begin
  update public.messages as m
  set
    action_data = m.action_data || jsonb_build_object(
      'subtitle', c_says,
      'buttons', (
        select coalesce(jsonb_agg(b.value order by b.ordinality), '[]')
        from jsonb_array_elements(m.action_data -> 'buttons') with ordinality as b
        where b.value ->> 'action' is distinct from 'proceed_to_payment'
      )
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = p_conversation_id
    and m.action_required
    and not m.action_completed
    and m.action_data -> 'buttons' @> '[{"action": "proceed_to_payment"}]';
  update private.participants as p
  set version = p.version + 1
  where p.conversation_id = p_conversation_id;
end;
$$;

-- source: 50_payments/take_dispute.sql sha256:c8c29d8465f52277960473d71fca52a78707ff35465deccabee3ec16cc864aad
-- Razorpay's reports of disputes by the payer's bank.

-- Stores a dispute, tells the deal that holds the money, and opens an alert.
--
-- The deal is frozen while the bank decides, and ends when the bank has taken all held money, at
-- once or in parts. A person decides about a part, and about money that the deal no longer holds.
-- Args: our order, its conversation locked; the dispute as reported; the actor; the event. Returns
-- the outcome.
-- Locks: the conversation must be locked already. Writes: payment_disputes, and as
-- private.tell_deal and private.conclude.
create or replace function private.take_dispute(
  p_order private.payment_orders,
  p_told private.payment_disputes,
  p_actor text,
  p_event_row_id bigint
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_input constant jsonb := jsonb_build_object('payment_id', p_told.payment_id);
  v_dispute private.payment_disputes;
  v_conversation private.conversations;
  v_is_open boolean;
  v_is_lost boolean;
  v_taken bigint;
begin
  insert into private.payment_disputes as d (
    dispute_id, payment_id, amount_minor, currency, status, phase, reason_code, respond_by
  )
  values (
    p_told.dispute_id, p_told.payment_id, p_told.amount_minor, p_told.currency, p_told.status,
    p_told.phase, p_told.reason_code, p_told.respond_by
  )
  on conflict (dispute_id) do update
  set
    status = case
      when private.dispute_rank(excluded.status) > private.dispute_rank(d.status)
        then excluded.status
      else d.status
    end,
    phase = excluded.phase,
    respond_by = coalesce(excluded.respond_by, d.respond_by),
    updated_at = clock_timestamp()
  returning d.* into v_dispute;

  select c.* into v_conversation
  from private.conversations as c
  where c.id = p_order.conversation_id
    and exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway'
        and e.payment_id = v_dispute.payment_id
        and e.to_account = 'held'
    );
  if found then
    v_is_open := v_dispute.status not in ('won', 'lost', 'closed');
    v_is_lost := v_dispute.status = 'lost' and not v_dispute.told_lost;
    v_taken := (
      select sum(d.amount_minor) from private.payment_disputes as d
      where d.payment_id = v_dispute.payment_id and d.status = 'lost'
    );
    -- The event of the loss may come first, and the deal may have moved since the dispute was
    -- opened.
    if (v_is_open or v_is_lost) and not v_dispute.told_opened
      or v_is_lost and v_conversation.held_minor > 0
        and v_conversation.flow_data #>> '{dispute,origin}' is distinct from 'bank' then
      perform private.tell_deal(v_conversation, 'bank_dispute_opened', v_input);
    end if;
    if v_is_lost and v_conversation.held_minor > 0 and v_taken >= v_conversation.held_minor then
      perform private.tell_deal(
        (select c from private.conversations as c where c.id = p_order.conversation_id),
        'bank_dispute_lost', v_input
      );
    end if;
    update private.payment_disputes as d
    set
      told_opened = d.told_opened or v_is_open or v_is_lost,
      told_lost = d.told_lost or v_is_lost
    where d.dispute_id = v_dispute.dispute_id;
  end if;
  perform private.conclude(
    'dispute_recorded', p_order, v_dispute.payment_id, v_dispute.dispute_id, p_actor,
    p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'dispute_id', v_dispute.dispute_id, 'status', v_dispute.status, 'phase', v_dispute.phase,
      'reason_code', v_dispute.reason_code, 'amount_minor', v_dispute.amount_minor,
      'respond_by', v_dispute.respond_by
    ))
  );
  return 'dispute_recorded';
end;
$$;

-- The rank of a dispute's status; null for an unknown one.
create or replace function private.dispute_rank(p_status text)
returns integer
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case p_status
    when 'open' then 1
    when 'under_review' then 2
    when 'action_required' then 2
    when 'won' then 3
    when 'lost' then 3
    when 'closed' then 3
  end;
end;
$$;

-- source: 50_payments/take_refund.sql sha256:66f519fb0da65c933433f5914dda69ea3d53867af4656d9fcbbc5d96ff460fa8
-- Razorpay's reports of refunds: from a webhook or from its answer to our request. A refund moves
-- only a deal that requested it.

-- Stores a refund and acts on its new status: a requested refund moves its deal, any other is only
-- recorded.
--
-- It belongs to the request of its receipt, or to the request that it answers; otherwise to a
-- request for the same payment and amount that was not sent, because a person has refunded it by
-- hand.
-- Args: our order, its conversation locked; the refund as reported; the reason of a failure, if
-- reported; the actor; the event (null: Razorpay's answer). Returns the outcome.
-- Locks: the request; the conversation must be locked already. Writes: refunds, payment_refunds,
-- payments, and as private.tell_deal, private.fail_refund, private.settle_bounce and
-- private.conclude.
-- Errors: P0001 when a deal does not wait for its refund; an operator must look into it.
create or replace function private.take_refund(
  p_order private.payment_orders,
  p_told private.payment_refunds,
  p_reason text,
  p_actor text,
  p_event_row_id bigint
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  c_ranks constant text[] := array['created', 'processed', 'failed'];
  v_request private.refunds;
  v_bounce private.refunds;
  v_payment private.payments;
  v_refusal text;
  v_outcome text := 'noop';
begin
  select r.* into v_request
  from private.refunds as r
  where r.payment_id = p_told.payment_id
    and (
      r.id = p_told.request_id
      or r.razorpay_refund_id = p_told.refund_id
      or r.id = (
        select k.request_id from private.payment_refunds as k
        where k.refund_id = p_told.refund_id
      )
      or p_told.request_id is null
        and p_told.status <> 'failed'
        and r.status = 'requested'
        and r.razorpay_refund_id is null
        and (r.amount_minor, r.currency) = (p_told.amount_minor, p_told.currency)
    )
  order by (r.id = p_told.request_id) desc nulls last, r.requested_at
  limit 1
  for update;

  insert into private.payment_refunds as r (
    refund_id, payment_id, request_id, amount_minor, currency, status
  )
  values (
    p_told.refund_id, p_told.payment_id, v_request.id, p_told.amount_minor, p_told.currency,
    p_told.status
  )
  on conflict (refund_id) do update
  set
    status = excluded.status,
    request_id = coalesce(r.request_id, excluded.request_id),
    updated_at = clock_timestamp()
  where array_position(c_ranks, excluded.status) > array_position(c_ranks, r.status);
  if found then
    -- A failed refund no longer counts.
    update private.payments as p
    set
      refunded_minor = case
        when p_told.status = 'failed' then live.amount_minor
        else greatest(p.refunded_minor, live.amount_minor)
      end,
      updated_at = clock_timestamp()
    from (
      select coalesce(sum(r.amount_minor), 0) as amount_minor
      from private.payment_refunds as r
      where r.payment_id = p_told.payment_id and r.status <> 'failed'
    ) as live
    where p.payment_id = p_told.payment_id
    returning p.* into v_payment;
    v_outcome := case
      when p_told.status = 'failed' then 'refund_failed'
      when v_request.id is null then case
        -- Not requested by Parley: of booked money, of money that no deal took, or of a payment
        -- that was never captured.
        when exists (
          select from private.escrow_ledger as e
          where e.from_account = 'gateway' and e.payment_id = v_payment.payment_id
        ) then 'refund_recorded'
        -- private.settle_order decides about it.
        when v_payment.captured_at is not null then 'noop'
        else 'uncaptured_refund'
      end
      when (v_request.amount_minor, v_request.currency) <> (p_told.amount_minor, p_told.currency)
        then 'refund_mismatch'
      -- The app sent it, and a person did it by hand as well.
      when v_request.status <> 'requested' then 'refund_recorded'
      when p_told.status = 'processed' then 'refund_processed'
      else 'refund_pending'
    end;
  end if;

  case v_outcome
    when 'refund_pending', 'refund_processed' then
      update private.refunds as r
      set razorpay_refund_id = p_told.refund_id, failure = null
      where r.id = v_request.id;
      if v_outcome = 'refund_processed' and v_request.kind = 'bounce' then
        perform private.settle_bounce(v_request, p_told.refund_id);
      elsif v_outcome = 'refund_processed' then
        v_refusal := private.tell_deal(
          (select c from private.conversations as c where c.id = v_request.conversation_id),
          'refund_processed',
          jsonb_build_object('reference', p_told.refund_id)
        );
        if v_refusal is not null then
          raise exception 'refund %: the deal answers %', p_told.refund_id, v_refusal;
        end if;
      end if;
    when 'refund_failed' then
      if v_request.status = 'requested' then
        perform private.fail_refund(v_request, p_reason);
      end if;
    else
      -- A payment that a person has refunded whole, at once or in parts, needs no refund by the
      -- app.
      select r.* into v_bounce
      from private.refunds as r
      where r.payment_id = v_payment.payment_id and r.kind = 'bounce' and r.status = 'requested'
        and v_payment.refunded_minor >= v_payment.amount_minor
      for update;
      if found then
        perform private.settle_bounce(v_bounce, p_told.refund_id);
      end if;
  end case;
  perform private.conclude(
    v_outcome, p_order, p_told.payment_id, p_told.refund_id, p_actor, p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'refund_id', p_told.refund_id, 'amount_minor', p_told.amount_minor,
      'status', p_told.status, 'request_id', v_request.id,
      'reason', case when p_told.status = 'failed' then p_reason end
    ))
  );
  return v_outcome;
end;
$$;

-- Records that a requested refund failed. It stays requested; the deal is told once for each
-- reason.
--
-- Args: the request, locked with its conversation; the reason.
-- Writes: refunds, and as private.tell_deal.
create or replace function private.fail_refund(p_request private.refunds, p_reason text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_reason constant text := left(coalesce(p_reason, 'The refund did not go through.'), 200);
begin
  update private.refunds as r
  set failure = v_reason, razorpay_refund_id = null
  where r.id = p_request.id;
  if p_request.kind = 'deal' and p_request.failure is distinct from v_reason then
    perform private.tell_deal(
      (select c from private.conversations as c where c.id = p_request.conversation_id),
      'refund_failed', jsonb_build_object('reason', v_reason)
    );
  end if;
end;
$$;

-- Books that a payment that no deal waited for is back with its payer.
--
-- Args: the request, its conversation locked; the proof: Razorpay's refund, or an operator's
-- reference.
-- Writes: refunds, escrow_ledger.
create or replace function private.settle_bounce(p_request private.refunds, p_reference text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.refunds as r
  set status = 'processed', reference = p_reference, processed_at = clock_timestamp()
  where r.id = p_request.id;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  select
    c.id, 'bounced', 'returned', p_request.amount_minor, p_request.currency, c.version,
    p_request.payment_id, clock_timestamp()
  from private.conversations as c
  where c.id = p_request.conversation_id;
end;
$$;

-- source: 50_payments/take_refund_requests.sql sha256:7a01dfbc1a951f968be76a10e21d86fd9191aa8c3004cde1f781d0b618dbbc5e
-- RPC: service and operators; refunds to send, as `[{refund_id, conversation_id, payment_id,
-- amount_minor, currency, mode, tries, may_be_sent, idempotency_key, razorpay_refund_id, receipt,
-- notes}]`; tries includes this one; without may_be_sent the app only searches for the refund.
create or replace function public.take_refund_requests(max_rows integer default 5)
returns jsonb
language sql
set search_path = ''
as $$
  select private.take_refund_requests(max_rows);
$$;

-- Requested refunds, for the app to send or to ask Razorpay about. Each is returned again after 20
-- seconds, then 40 and so on up to an hour, until Razorpay has processed it.
--
-- The key makes a retry harmless. A request whose refund failed at Razorpay gets a new key, because
-- the old key would return the same failure. A refund of a disputed payment waits, so that the
-- payer does not get the money twice; if it was tried before the dispute, the app only searches for
-- it. An operator's call waits only 20 seconds between tries.
-- Definer: the books are private.
-- Locks, writes: the rows of refunds that it takes; it skips rows that another session has locked.
-- Errors: FORBIDDEN (403).
-- Source of the key: https://razorpay.com/docs/api/refunds/create-normal, X-Refund-Idempotency.
create or replace function private.take_refund_requests(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pause constant interval := interval '20 seconds';
  v_requests jsonb;
begin
  perform private.require_operator();
  with taken as (
    update private.refunds as r
    set
      tries = r.tries + 1,
      tried_at = now(),
      next_try_at = now() + least(
        c_pause * 2 ^ least(r.tries, 20), interval '1 hour'
      )
    where r.id in (
      select due.id
      from private.refunds as due
      where due.status = 'requested'
        and (
          due.next_try_at <= now()
          -- An operator's call shortens the pause.
          or auth.uid() is not null and due.tried_at < now() - c_pause
        )
        and (
          due.tries > 0
          or due.razorpay_refund_id is not null
          or not private.is_disputed(due.payment_id)
        )
      order by due.next_try_at, due.requested_at
      limit private.clamp_page_size(p_max_rows, 5, 50)
      for update skip locked
    )
    returning r.*
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'refund_id', taken.id,
        'conversation_id', taken.conversation_id,
        'payment_id', taken.payment_id,
        'amount_minor', taken.amount_minor,
        'currency', taken.currency,
        'mode', o.mode,
        'tries', taken.tries,
        'may_be_sent', not private.is_disputed(taken.payment_id),
        'idempotency_key', format('refund-%s-%s', taken.id, failed.count + 1),
        'razorpay_refund_id', taken.razorpay_refund_id,
        'receipt', taken.id,
        'notes', jsonb_build_object('reason', taken.reason, 'kind', taken.kind)
      )
      order by taken.requested_at
    ),
    '[]'
  )
  into v_requests
  from taken
  left join private.payments as p on p.payment_id = taken.payment_id
  left join private.payment_orders as o on o.id = p.payment_order_id
  cross join lateral (
    select count(*) as count
    from private.payment_refunds as k
    where k.request_id = taken.id and k.status = 'failed'
  ) as failed;
  return v_requests;
end;
$$;

grant execute on function
  public.take_refund_requests(integer),
  private.take_refund_requests(integer)
to authenticated, service_role;

-- source: 50_payments/tell_deal.sql sha256:2c46af4e8d57f52983586d3c68be482ca069fa92665f06034d0a24d14f050d92
-- Tells a deal a fact of the payment provider; only the flow decides the step.
--
-- Args: the conversation, locked, as it is stored; the fact, an action of the flow's system; its
-- input. Returns null when the flow took the step, otherwise the code of the refusal.
-- Locks: the conversation must be locked already. Writes: as private.run_deadlines and
-- private.advance_conversation.
create or replace function private.tell_deal(
  p_conversation private.conversations,
  p_fact text,
  p_input jsonb
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_refusal text;
begin
  v_step.at := clock_timestamp();
  if p_conversation.deadline_at <= v_step.at then
    p_conversation := private.run_deadlines(p_conversation, p_is_trial => false);
    v_step.at := clock_timestamp();
  end if;
  v_step.conversation := p_conversation;
  v_step.role := 'system';
  v_step.action := p_fact;
  v_step.input := p_input;
  v_step.is_trial := false;
  perform private.advance_conversation(v_step);
  return null;
exception
  when sqlstate 'PGRST' then
    get stacked diagnostics v_refusal = message_text;
    return v_refusal::jsonb ->> 'code';
end;
$$;

-- source: 55_cleanup/clean_up_at_sign_in.sql sha256:937b7a59fcddabde57824f51724cbd25cdb2bdb66a61e7da4fdb6e5f972ead78
-- A trigger function for the cleanup at each sign-in without a call by the client.
-- docs/OPERATIONS.md has the trigger on auth.sessions and its price. A refreshed token is no new
-- session.
--
-- No failure here stops the sign-in, not even a statement timeout, which "others" alone does not
-- catch. It waits 200 ms at most for a lock, and does one cleanup at most.
-- Definer: Auth opens sessions as its own role, which may not write our tables.
-- Locks, writes: as private.clean_up.
create or replace function private.clean_up_at_sign_in()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
begin
  perform private.clean_up(new.user_id);
  return null;
exception
  when query_canceled or others then
    raise warning 'no cleanup at the sign-in of %: % %', new.user_id, sqlstate, sqlerrm;
    return null;
end;
$$;

-- source: 55_cleanup/login_cleanup.sql sha256:16b7fe8a7078c9b48e0350c7e63f3d0b1c6e0ffb6980ee1030ccac19e0a86e2a
-- Takes the due steps of the caller's deals, flags expired messages, and empties those whose grace
-- is over; a limited batch, once a minute at most.
--
-- Definer: clients have no write grant on any table.
-- Locks, writes: as private.clean_up.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.clean_up(private.require_user());
end;
$$;

-- RPC: cleans up at login; returns `{expired, scrubbed, deadlines_run, throttled}`.
create or replace function public.login_cleanup()
returns json
language sql
set search_path = ''
as $$
  select private.login_cleanup();
$$;

-- Cleans up for a user: takes the due steps of deals, flags expired messages, empties those whose
-- grace is over; a limited batch, once a minute at most. It needs no timer, because readers see the
-- current state without it.
--
-- Returns `{expired, scrubbed, deadlines_run, throttled}`.
-- Locks: the user's account, then the user's due conversations and messages; it skips rows that
-- another session has locked. Writes: accounts, messages, push_outbox, action_results, and as
-- private.run_due.
create or replace function private.clean_up(p_user_id uuid)
returns json
language plpgsql
set search_path = ''
as $$
declare
  c_pause constant interval := interval '1 minute';
  v_account private.accounts;
  v_throttled boolean;
  v_expired integer := 0;
  v_scrubbed integer := 0;
  v_deadlines integer := 0;
begin
  v_account := private.lock_account(p_user_id);
  v_throttled := v_account.cleaned_at > now() - c_pause;
  if not v_throttled then
    v_deadlines := private.run_due(p_user_id, private.get_number('sweep_batch')::integer);
    v_expired := private.flag_expired(v_account);
    v_scrubbed := private.scrub_expired(p_user_id);
    -- Pushes that were not sent within a day, for example without VAPID settings; it skips those
    -- that a sender has locked.
    delete from private.push_outbox as o
    where o.id in (
      select stale.id
      from private.push_tokens as t
      join private.push_outbox as stale on stale.push_token_id = t.id
      where t.user_id = p_user_id and stale.created_at < now() - interval '1 day'
      for update of stale skip locked
    );
    -- Stored answers to actions; a repeat after 30 days is not recognized.
    delete from private.action_results as r
    where r.user_id = p_user_id and r.created_at < now() - interval '30 days';
    update private.accounts as a
    set cleaned_at = now(), last_seen_at = now()
    where a.user_id = p_user_id;
  end if;
  return json_build_object(
    'expired', v_expired, 'scrubbed', v_scrubbed, 'deadlines_run', v_deadlines,
    'throttled', v_throttled
  );
end;
$$;

-- Flags a batch of a user's expired messages and returns how many.
--
-- The account stores up to when everything is flagged, so that a login without due messages reads
-- none. Rows that no other session may have locked are updated by their place, without a lock
-- first: that halves the writing. Other rows are locked first, or skipped. Plans are generic: with
-- the given places the planner would read a small table whole.
-- Args: the locked account.
-- Locks, writes: messages (it leaves those that another session has locked for the next time),
-- accounts (flagged_until).
create or replace function private.flag_expired(p_account private.accounts)
returns integer
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_me constant uuid := p_account.user_id;
  v_batch constant integer := private.get_number('cleanup_batch')::integer;
  v_rows tid[];
  v_held tid[];
  v_due integer;
  v_count integer;
begin
  select
    array_agg(due.ctid) filter (where due.xmax = '0'),
    array_agg(due.ctid) filter (where due.xmax <> '0'),
    count(*)
  into v_rows, v_held, v_due
  from (
    select mine.ctid, mine.xmax, mine.expires_at
    from public.messages as mine
    where mine.sender_id = v_me
      and mine.expires_at between p_account.flagged_until and now()
      and mine.scrubbed_at is null and not mine.is_expired
    union all
    select got.ctid, got.xmax, got.expires_at
    from public.messages as got
    where got.receiver_id = v_me
      and got.expires_at between p_account.flagged_until and now()
      and got.scrubbed_at is null and not got.is_expired
    order by expires_at
    limit v_batch
  ) as due;
  if v_held is not null then
    v_rows := v_rows || array(
      select m.ctid from public.messages as m
      where m.ctid = any (v_held)
      for no key update skip locked
    );
  end if;
  update public.messages as m
  set is_expired = true, updated_at = now()
  where m.ctid = any (v_rows) and not m.is_expired;
  get diagnostics v_count = row_count;

  update private.accounts as a
  set flagged_until = coalesce(
    -- For messages beyond the batch, and for skipped ones.
    case when v_due = v_batch or v_count < v_due then (
      select min(left_over.expires_at)
      from private.list_expired(v_me, p_account.flagged_until, now()) as left_over
      where not left_over.is_expired
    ) end,
    now()
  )
  where a.user_id = v_me;
  return v_count;
end;
$$;

-- Empties a batch of a user's messages whose grace is over, and returns how many.
--
-- The row and its number stay; its text, media and files are deleted. Messages under a legal hold
-- stay whole, and all do while setting expired_grace_days is null.
-- Locks, writes: messages.
create or replace function private.scrub_expired(p_user_id uuid)
returns integer
language plpgsql
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
  set
    message = '', media_url = null, attachments = null, is_expired = true, scrubbed_at = now(),
    updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

-- The same for all users' messages, also of deleted logins and of users who never come back.
--
-- Locks, writes: messages; it skips rows that another session has locked.
create or replace function private.scrub_everybodys(p_limit integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_grace constant interval :=
    private.get_number('expired_grace_days')::float8 * interval '1 day';
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from public.messages as m
    where m.expires_at <= now() - v_grace
      and m.scrubbed_at is null
      and not exists (
        select from private.legal_holds as h where h.conversation_id = m.conversation_id
      )
    order by m.expires_at
    limit p_limit
    for update of m skip locked
  )
  update public.messages as m
  set
    message = '', media_url = null, attachments = null, is_expired = true, scrubbed_at = now(),
    updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

-- A user's messages that expired in a span of time and still hold their content, sent or received.
--
-- Two index scans instead of one condition with "or", so that a span without such messages costs
-- nothing, even for a user with many messages.
create or replace function private.list_expired(
  p_user_id uuid,
  p_from timestamptz,
  p_until timestamptz
)
returns table (conversation_id uuid, seq bigint, expires_at timestamptz, is_expired boolean)
language plpgsql
stable
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

grant execute on function private.login_cleanup(), public.login_cleanup() to authenticated;

-- source: 60_triggers/check_account.sql sha256:d49c398902cf843c47918296856f9a2034d45c99831af51cde676ec82a69f651
-- Refuses an account that breaks a rule of its columns, as a CHECK of that name would.
--
-- Not CHECKs, because PostgreSQL plans each CHECK anew in every statement on the table, and every
-- send changes the account. A free send changes none of the columns named here.
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_account()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_broken constant text := case
    when not (new.phone ~ '^\+[1-9][0-9]{6,14}$') then 'phone_is_e164'
    when not (new.daily_free_limit >= 0) then 'daily_free_limit_is_a_count'
    when not (new.points_per_message >= 0) then 'points_per_message_is_a_price'
    when not (new.points_balance >= 0) then 'points_are_never_owed'
  end;
begin
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  return null;
end;
$$;

create or replace trigger check_account
after insert or update of phone, daily_free_limit, points_per_message, points_balance
on private.accounts
for each row execute function private.check_account();

-- source: 60_triggers/check_conversation.sql sha256:3915df8d7a1fbfa23a802b0ae56e17ace399c962473cc3cb85bf1cc801d0288d
-- Refuses a conversation that breaks a rule of its columns, as a CHECK of that name would, and lets
-- chat_status and automation_enabled follow flow_state.
--
-- record_step writes all three; a repair by hand may change flow_state alone. Not CHECKs, because
-- PostgreSQL plans each of them anew in every statement on the table. A send changes none of these
-- columns, so it does not run the trigger. Rules about columns that no step changes are in
-- check_parties.
-- Writes: conversations (chat_status, automation_enabled).
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_chat_status constant text := private.chat_status_in(new.flow_state);
  v_broken constant text := case
    when not (new.awaiting_role in ('influencer', 'brand_owner')) then 'awaiting_role_is_known'
    when not (new.amount_minor > 0) then 'amount_is_positive'
    when not (
      num_nulls(
        new.captured_minor, new.held_minor, new.released_minor, new.fee_minor,
        new.refunded_minor, new.charged_back_minor
      ) = case when new.kind = 'direct' then 6 when new.kind in ('bid', 'campaign') then 0 end
    ) then 'only_deals_have_books'
    when not (
      new.held_minor >= 0
      and new.held_minor = new.captured_minor - new.released_minor - new.fee_minor
        - new.refunded_minor - new.charged_back_minor
    ) then 'books_balance'
    when not (new.flow_state <> 'chat_closed' or new.held_minor = 0)
      then 'closed_deal_holds_nothing'
    when not (
      new.work_status in (
        'in_progress', 'submitted', 'revision_requested', 'approved', 'cancelled', 'disputed'
      )
    ) then 'work_status_is_known'
  end;
begin
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  if (new.chat_status, new.automation_enabled)
    <> (v_chat_status, v_chat_status = 'automated') then
    update private.conversations as c
    set chat_status = v_chat_status, automation_enabled = v_chat_status = 'automated'
    where c.id = new.id;
  end if;
  return null;
end;
$$;

-- Refuses a conversation that breaks a rule about its kind, members, currency or subject.
--
-- Errors: as check_conversation.
create or replace function private.check_parties()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_broken constant text := case
    when not (new.kind in ('direct', 'bid', 'campaign')) then 'kind_is_known'
    when not (new.user_a < new.user_b) then 'members_are_ordered'
    when not case new.kind
      when 'direct' then new.brand_owner_id is null and new.influencer_id is null
      else new.brand_owner_id in (new.user_a, new.user_b)
        and new.influencer_id in (new.user_a, new.user_b)
        and new.brand_owner_id <> new.influencer_id
    end then 'roles_belong_to_deals'
    when not (new.currency ~ '^[A-Z]{3}$') then 'currency_is_iso_4217'
    when not (
      (new.bid_id is not null) = (new.kind = 'bid')
      and (new.campaign_id is not null) = (new.kind = 'campaign')
    ) then 'deal_has_its_subject'
  end;
begin
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  return null;
end;
$$;

-- Fills in the columns of a new conversation that follow from others.
create or replace function private.complete_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.chat_status := private.chat_status_in(new.flow_state);
  new.automation_enabled := new.chat_status = 'automated';
  new.listed_at := date_bin('1 hour', new.last_message_at, timestamptz '2000-01-01 00:00:00+00');
  return new;
end;
$$;

create or replace trigger check_conversation
after insert or update of
  kind, flow_state, chat_status, automation_enabled, awaiting_role, work_status, amount_minor,
  captured_minor, held_minor, released_minor, fee_minor, refunded_minor, charged_back_minor
on private.conversations
for each row execute function private.check_conversation();

create or replace trigger check_parties
after insert or update of
  kind, user_a, user_b, brand_owner_id, influencer_id, currency, bid_id, campaign_id
on private.conversations
for each row execute function private.check_parties();

create or replace trigger complete_conversation
before insert on private.conversations
for each row execute function private.complete_conversation();

-- source: 60_triggers/check_new_message.sql sha256:ee73c686ab2a6bd31908be7ed48d8ddce3b68866a481bfde9dff2816df289865
-- Refuses a message that breaks a rule of its columns, as a CHECK of that name would, and sets
-- is_automated of messages that no user typed.
--
-- Not CHECKs, because PostgreSQL plans each of them, and each trigger's `when`, anew in every
-- statement on the table: eight CHECKs were a sixth of an insert. One condition shows that an
-- ordinary message breaks no rule.
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_new_message()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_broken text;
begin
  if new.message_type = 'user_input' and new.visible_to = 'all' and not new.is_automated
    and num_nonnulls(new.expires_at, new.media_url) = 0
    and octet_length(new.message) <= 5000 and new.seq >= 1 then
    return new;
  end if;
  new.is_automated := new.message_type <> 'user_input';
  v_broken := case
    when not (new.seq >= 1) then 'seq_starts_at_one'
    when not (char_length(new.message) <= 5000) then 'message_fits'
    when not (char_length(new.media_url) <= 2048) then 'media_url_fits'
    when not (new.message_type in ('user_input', 'system', 'automated', 'audit'))
      then 'message_type_is_known'
    when not (new.visible_to in ('all', 'influencer', 'brand_owner', 'sender'))
      then 'visible_to_is_known'
    when not (new.expires_at is null or new.message_type = 'user_input')
      then 'only_user_input_expires'
    when not (
      new.expires_at between new.created_at + interval '1 hour'
        and new.created_at + interval '2160 hours'
    ) then 'expiry_is_within_1_and_2160_hours'
    when not (new.visible_to = 'all' or new.receiver_id is not null)
      then 'hidden_message_names_its_reader'
  end;
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  return new;
end;
$$;

create or replace trigger check_new_message
before insert on public.messages
for each row execute function private.check_new_message();

-- source: 60_triggers/check_scrubbed_message.sql sha256:bd77c4b2e70df5121c0cd430e83c299d5a85077f0a33c195ace3014139e8b0fb
-- Refuses a message that is marked as emptied but has content, as a CHECK of that name would.
--
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_scrubbed_message()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not (new.message = '' and new.media_url is null and new.attachments is null) then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, 'scrubbed_is_empty');
  end if;
  return null;
end;
$$;

create or replace trigger check_scrubbed_message
after update of scrubbed_at, message, media_url, attachments on public.messages
for each row when (new.scrubbed_at is not null)
execute function private.check_scrubbed_message();

-- source: 60_triggers/check_setting.sql sha256:f3191987be1e9631998f4c91ade28999266a1cd11a503f47f98c4ff87b6b61cb
-- Refuses a wrong value of a setting, with a sentence for the operator who writes it.
--
-- Errors: 23514 (check_violation); no RPC causes it.
create or replace function private.check_setting()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_fault constant text := private.find_setting_fault(new.key, new.value);
begin
  if v_fault is not null then
    raise exception 'setting %: %', new.key, v_fault using errcode = 'check_violation';
  end if;
  return new;
end;
$$;

-- The fault of a setting's value, as a sentence, or null.
create or replace function private.find_setting_fault(p_key text, p_value jsonb)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  c_host constant text := '^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+'
    '[a-z]([a-z0-9-]{0,61}[a-z0-9])?$';
  c_media_type constant text :=
    '^((image|audio|video)/[a-z0-9][a-z0-9.+-]{0,99}|application/pdf)$';
  v_is_number constant boolean := jsonb_typeof(p_value) = 'number';
begin
  if p_value is null then
    return 'write a JSON value.';
  end if;
  if p_key like 'rate\_%' then
    return case
      when p_value <> 'null' and not coalesce(jsonb_typeof(p_value) = 'object' and p_value @? '
        $ ? (@.burst >= 1 && @.burst <= 1000000 && (
          @.per_second > 0 && @.per_second <= 1000000
          || @.per_minute > 0 && @.per_minute <= 1000000
          || @.per_day > 0 && @.per_day <= 1000000
        ))
      ' and not p_value @? 'strict $.* ? (@.type() != "number")', false) then
        'write {"per_second", "per_minute" or "per_day": a number above 0, "burst": 1 or more},'
        ' or null for no limit.'
    end;
  end if;
  if p_key in ('expired_grace_days', 'stranger_messages') and p_value = 'null' then
    return null;
  end if;
  return case p_key
    when 'expired_grace_days' then case
      when not v_is_number or not p_value @? '$ ? (@ >= 0 && @ <= 36500)'
        then 'write 0 to 36500 days, or null for never.'
    end
    when 'media_hosts' then case
      when p_value <> 'null' and (
        jsonb_typeof(p_value) <> 'array'
        or exists (
          select from jsonb_array_elements(p_value) as h (host)
          where jsonb_typeof(h.host) <> 'string' or h.host #>> '{}' !~ c_host
        )
      ) then
        'write a list of host names in lower case, such as ["cdn.example.com", "*.example.com"],'
        ' or null for any.'
    end
    when 'attachment_types' then case
      when jsonb_typeof(p_value) <> 'array' or p_value = '[]' or exists (
        select from jsonb_array_elements(p_value) as t (type)
        where jsonb_typeof(t.type) <> 'string' or t.type #>> '{}' !~ c_media_type
          -- SVG can run scripts.
          or t.type = '"image/svg+xml"'
      ) then
        'write a list of types of images, audio, video and "application/pdf", such as'
        ' ["image/png", "application/pdf"]; no "image/svg+xml".'
    end
    when 'quota_timezone' then case
      when jsonb_typeof(p_value) <> 'string'
        or p_value #>> '{}' not in (select z.name from pg_catalog.pg_timezone_names as z)
        or p_value <> '"UTC"' and p_value #>> '{}' !~ '^[A-Z][A-Za-z_]*(/[A-Za-z0-9_+-]+)+$'
        then 'write the name of a time zone, such as "Asia/Kolkata", or "UTC".'
    end
    when 'direct_blocked_during_deal' then case
      when jsonb_typeof(p_value) <> 'boolean' then 'write true or false.'
    end
    when 'system_user_id' then case
      when not exists (
        select from public.users as u
        where u.role = 'system' and to_jsonb(u.id::text) = p_value
      ) then 'write the id of a row of public.users with the role system.'
    end
    when 'payment_mode' then case
      when p_value not in ('"test"', '"live"') then 'write "test" or "live".'
    end
    else case
      when not v_is_number or not p_value @? '$ ? (@ >= 0 && @ <= 1000000 && @.floor() == @)'
        then 'write a whole number from 0 to 1,000,000.'
    end
  end;
end;
$$;

create or replace trigger check_setting
before insert or update on private.settings
for each row execute function private.check_setting();

-- source: 60_triggers/create_account_at_sign_up.sql sha256:de77a3b56b8f5a8791d7a0ab976d1ea6e29050e7a96d6ec6baa08b6027ce5ccf
-- Creates the card and the account of a new login in the transaction of the sign-up; for an
-- anonymous login when it gets an identity.
--
-- Definer: Auth writes the login as its own role, which may not write our tables.
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

create or replace trigger create_account_at_sign_up
after insert or update of is_anonymous on auth.users
for each row when (not new.is_anonymous) execute function private.create_account_at_sign_up();

-- Gives a login its card and its account, with the free messages and the price that the settings
-- say; one that has them is left alone.
--
-- Writes: users, accounts.
create or replace function private.create_account(p_user_id uuid)
returns void
language plpgsql
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

-- Creates accounts for logins that exist already.
select private.create_account(u.id) from auth.users as u where not u.is_anonymous;

-- source: 60_triggers/drop_files.sql sha256:6e578426c29a8e7c6316e8291967e15d1cb55fe750028d68ca217c43e4b095ce
-- When a message is emptied or deleted, marks its files for deletion in the same transaction: from
-- then on nobody can read them, and the app has Storage delete them.
--
-- Writes: files.
create or replace function private.drop_files()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' or new.attachments is null then
    update private.files as f
    set dropped_at = now()
    where f.path in (select a.value ->> 'path' from jsonb_array_elements(old.attachments) as a)
      and f.message_id = old.id
      and f.dropped_at is null;
  end if;
  return null;
end;
$$;

create or replace trigger drop_files
after update of attachments or delete on public.messages
for each row when (old.attachments is not null)
execute function private.drop_files();

-- source: 60_triggers/keep_bars.sql sha256:a647806f5aef37cc1a7353f852d451985f3d567ade96d2d2301d106c543dd365
-- Maintains conversations.is_barred, which a send reads under the lock of the conversation instead
-- of searching for blocks and logins, and participants.blocks_other, for readers of marks.
--
-- Locks, writes: the pair's rows of conversations, in the order of their ids, and the blocker's of
-- participants; block_user has locked them before (private.lock_pair).
create or replace function private.keep_bars()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    perform private.mark_bars(old.blocker_id, old.blocked_id, false);
  else
    perform private.mark_bars(new.blocker_id, new.blocked_id, true);
  end if;
  return null;
end;
$$;

-- Locks, writes: conversations (is_barred), participants (the blocker's blocks_other).
create or replace function private.mark_bars(
  p_user_id uuid, p_other_id uuid, p_blocks_other boolean
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_is_barred constant boolean := not private.may_reach(p_user_id, p_other_id);
begin
  perform from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  order by c.id
  for no key update;
  update private.conversations as c
  set is_barred = v_is_barred
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and c.is_barred <> v_is_barred;
  update private.participants as p
  set blocks_other = p_blocks_other
  from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and p.conversation_id = c.id
    and p.user_id = p_user_id;
end;
$$;

-- Sets is_barred of a new conversation, by private.may_reach.
create or replace function private.mark_new_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.is_barred := not private.may_reach(new.user_a, new.user_b);
  return new;
end;
$$;

create or replace trigger keep_bars
after insert or delete on public.blocks
for each row execute function private.keep_bars();

create or replace trigger mark_new_conversation
before insert on private.conversations
for each row execute function private.mark_new_conversation();

-- source: 60_triggers/keep_bucket.sql sha256:3dc18eaffdda31dbc14251b92cc6dc5377930144606d01fdd7d6aeb543df993c
-- Copies setting attachment_types to the types that the bucket attachments accepts.
--
-- Writes: storage.buckets.
create or replace function private.keep_bucket()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update storage.buckets as b
  set allowed_mime_types = array(select jsonb_array_elements_text(new.value)), updated_at = now()
  where b.id = 'attachments';
  return null;
end;
$$;

create or replace trigger keep_bucket
after insert or update on private.settings
for each row when (new.key = 'attachment_types')
execute function private.keep_bucket();

-- source: 60_triggers/keep_conversation_events.sql sha256:e49eea0290321a81b5ef0005c4a487671b6b76f0994360ba9f687c5500c63c86
-- Refuses to delete an event of a conversation's history, for every role.
--
-- only_scrub_events refuses changes, because it must compare each row.
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_conversation_events()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'a history is append-only: its details can be scrubbed, its events stay'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_conversation_events
before delete or truncate on public.conversation_events
for each statement execute function private.keep_conversation_events();

-- source: 60_triggers/keep_escrow_ledger.sql sha256:d86661f11e51734acd283ff6b62957c1d1188640aad7faad969b59829823ed52
-- Refuses every change or deletion in the ledger of deals, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_escrow_ledger()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'the escrow ledger is append-only: add a correcting entry'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_escrow_ledger
before update or delete or truncate on private.escrow_ledger
for each statement execute function private.keep_escrow_ledger();

-- source: 60_triggers/keep_files.sql sha256:2eeced180f36a693eb196f233d21c3839ba71898ad07e1f52496b02dca888c9f
-- Keeps private.files in step with the objects of the bucket attachments, and sent files unchanged.
--
-- Storage tries an upload as the caller, so policies decide, and then writes its object as
-- service_role. Objects with names of another form are the operators' and have no row.
-- Definer: Storage runs as the caller or as service_role, who may not write private tables.
-- Writes: files.
create or replace function private.note_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if private.is_file_path(new.name) then
    insert into private.files (path, conversation_id, owner_id)
    values (new.name, left(new.name, 36)::uuid, split_part(new.name, '/', 2)::uuid)
    on conflict (path) do nothing;
  end if;
  return null;
end;
$$;

-- Refuses to change or delete an object while a message or submitted work has it, also by an upload
-- that began before: readers get the file that was sent. A name never changes, because messages
-- know the file by it.
--
-- Definer: as private.note_file. Locks: the file's row, so that it waits for a send at the same
-- time.
-- Errors: 42501 (insufficient_privilege); Storage answers 403.
create or replace function private.keep_sent_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_file private.files;
begin
  select f.* into v_file from private.files as f where f.path = old.name for update;
  if v_file.dropped_at is null and (v_file.is_work or v_file.message_id is not null)
    or tg_op = 'UPDATE' and (new.name, new.bucket_id) is distinct from (old.name, old.bucket_id)
  then
    raise insufficient_privilege using message = 'This file was sent: it stays as it is.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end;
$$;

-- Deletes a file's row with its object.
--
-- Definer: as private.note_file. Writes: files.
create or replace function private.forget_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from private.files as f where f.path = old.name;
  return null;
end;
$$;

create or replace trigger note_file
after insert or update of bucket_id on storage.objects
for each row when (new.bucket_id = 'attachments')
execute function private.note_file();

create or replace trigger keep_sent_file
before update or delete on storage.objects
for each row when (old.bucket_id = 'attachments')
execute function private.keep_sent_file();

create or replace trigger forget_file
after delete on storage.objects
for each row when (old.bucket_id = 'attachments')
execute function private.forget_file();

-- source: 60_triggers/keep_login_with_funds.sql sha256:44a5f6aaaabaa722eb7add264882a5041bad8f8a4389f9676e09bcdb5774fb1e
-- Refuses to delete a login while a deal of that user holds money, or the user is owed a payout:
-- nobody could ask that user any more, and operators could not pay.
--
-- Definer: Auth deletes the login as its own role, which may not read our tables.
-- Locks: all rows that the deletion changes, in the order of all locks: the account, the user's
-- rate limits, bids and campaigns, then the conversations, each in the order of their ids. So it
-- waits for running calls.
-- Errors: FUNDS_HELD (409); Auth answers 500 and keeps the login.
create or replace function private.keep_login_with_funds()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform 1 from private.accounts as a where a.user_id = old.id for update;
  perform 1 from private.rate_limits as l
  where l.user_id = old.id
  order by l.action
  for update;
  perform 1 from public.bids as b where b.influencer_id = old.id order by b.id for no key update;
  perform 1 from public.campaigns as c
  where c.brand_owner_id = old.id
  order by c.id
  for no key update;
  perform 1 from private.conversations as c
  where old.id in (c.user_a, c.user_b)
  order by c.id
  for no key update;
  if exists (
    select from private.conversations as c
    cross join lateral private.as_of_now(c) as due
    where old.id in (c.user_a, c.user_b)
      and c.held_minor > 0
      -- A due step may owe money to this user: the step writes the payout.
      and (due.held_minor > 0 or due.released_minor > 0 and due.influencer_id = old.id)
  ) then
    perform private.raise_error(
      'FUNDS_HELD', 'A deal of this user holds money.', p_status => 409,
      p_hint => 'Finish the deal, or decide it with force_dispute and resolve_dispute.'
    );
  end if;
  if exists (
    select from private.payouts as p where p.influencer_id = old.id and p.status = 'owed'
  ) then
    perform private.raise_error(
      'FUNDS_HELD', 'This user is owed a payout.', p_status => 409,
      p_hint => 'Pay it, note it with mark_payout_paid, and delete the login then.'
    );
  end if;
  return old;
end;
$$;

create or replace trigger keep_login_with_funds
before delete on auth.users
for each row execute function private.keep_login_with_funds();

-- source: 60_triggers/keep_offers.sql sha256:02aa1de7911b1d6f72767fe707eb6dbf7829463e6057853a13cb705d2a11beb1
-- Refuses every change or deletion of an offer, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_offers()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'offers are append-only: add the next one'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_offers
before update or delete or truncate on public.offers
for each statement execute function private.keep_offers();

-- source: 60_triggers/keep_payment_audit.sql sha256:2371a336ca93899ee3661655399b35cc128b02599579725d115ddbeff7e1aed2
-- Refuses every change or deletion in the audit of payments, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_payment_audit()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'the audit of payments is append-only: add another line'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_payment_audit
before update or delete or truncate on private.payment_audit
for each statement execute function private.keep_payment_audit();

-- source: 60_triggers/keep_points_ledger.sql sha256:051796f5e0da0e6e959fcfa31b97ce30b82fbf08b86bc9a67ae795689eb868cb
-- Refuses every change or deletion of a line of the points ledger, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_points_ledger()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'the points ledger is append-only: add a correcting entry'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_points_ledger
before update or delete or truncate on private.points_ledger
for each statement execute function private.keep_points_ledger();

-- source: 60_triggers/keep_send_rules.sql sha256:64e374f236cdd03ef6a9e8fbc1ab8919c6a1a768a2b19323dec94b351fdfb47d
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

-- source: 60_triggers/only_scrub_events.sql sha256:ef4651a89f36fea9e1c5c84ab032c5df226ea2d1ea7b076f5b296e5a0106e347
-- Refuses every change of an event except one: its details become null.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.only_scrub_events()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  old.details := null;
  if new is distinct from old then
    raise exception 'a history is append-only: its details can be scrubbed, nothing else changes'
      using errcode = 'restrict_violation';
  end if;
  return new;
end;
$$;

create or replace trigger only_scrub_events
before update on public.conversation_events
for each row execute function private.only_scrub_events();

-- source: 60_triggers/remove_account_with_login.sql sha256:22944f11e1d321b81300317e545443daee3cd3831b726966ce7213a6493bc91e
-- Deletes the account of a deleted login and empties its card. Its conversations stay for the other
-- side and accept no more messages; its bids and campaigns close; its deals end as after a block. A
-- token of the login that is still valid reads and writes nothing.
--
-- Definer: Auth deletes the login as its own role, which may not write our tables.
-- Locks: private.keep_login_with_funds has locked the account, bids, campaigns and conversations.
-- Writes: accounts, push_tokens, admins, notifications, action_results, rate_limits, files, bids,
-- campaigns, conversations (is_barred), users, and as private.leave_deals and
-- private.touch_conversations.
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
  delete from private.notifications as n where n.user_id = old.id;
  delete from private.action_results as r where r.user_id = old.id;
  delete from private.rate_limits as l where l.user_id = old.id;
  -- Submitted work belongs to the brand owner too, and stays with the deal.
  update private.files as f
  set dropped_at = now()
  where f.owner_id = old.id and not f.is_work and f.dropped_at is null;
  update public.bids as b
  set status = 'closed', updated_at = now()
  where b.influencer_id = old.id and b.status = 'open';
  update public.campaigns as c
  set status = 'closed', updated_at = now()
  where c.brand_owner_id = old.id and c.status = 'open';
  -- Before the card is emptied, so that messages to the other side still have the name.
  perform private.leave_deals(old.id, null);
  update private.conversations as c
  set is_barred = true
  where old.id in (c.user_a, c.user_b) and not c.is_barred;
  update public.users as u
  set role = null, display_name = null, avatar_url = null, updated_at = now()
  where u.id = old.id;
  perform private.touch_conversations(old.id);
  return null;
end;
$$;

create or replace trigger remove_account_with_login
after delete on auth.users
for each row execute function private.remove_account_with_login();

-- source: 70_policies/bids.sql sha256:9463f0c68d9d76ca441b97ee8fd11fec43d56fa6648ab273c2ba74bdf1c30172
-- Every signed-in user sees an open bid; its owner and users with a conversation on it see a closed
-- one.
drop policy if exists bids_select_open_or_own on public.bids;
create policy bids_select_open_or_own on public.bids
for select to authenticated
using (
  status = 'open' and (select private.my_id()) is not null
  or influencer_id = (select private.my_id())
  or id = any(array(select c.bid_id from private.conversations as c where c.bid_id is not null))
);

-- source: 70_policies/blocks.sql sha256:b458a33c6ff8777c1a7f172889eee9b597fd383cfb1098ee569e89f416da2ede
-- A user sees their own blocks; the blocked user sees none of them.
drop policy if exists blocks_select_own on public.blocks;
create policy blocks_select_own on public.blocks
for select to authenticated
using (blocker_id = (select private.my_id()));

-- source: 70_policies/campaigns.sql sha256:fe46583c0ad017c1beba4569f9cf1b6ad8c93ceb56a7a4504badc3e907f70ce9
-- Every signed-in user sees an open campaign; its owner and users with a conversation on it see a
-- closed one.
drop policy if exists campaigns_select_open_or_own on public.campaigns;
create policy campaigns_select_open_or_own on public.campaigns
for select to authenticated
using (
  status = 'open' and (select private.my_id()) is not null
  or brand_owner_id = (select private.my_id())
  or id = any(
    array(select c.campaign_id from private.conversations as c where c.campaign_id is not null)
  )
);

-- source: 70_policies/conversation_events.sql sha256:0eb7bc20f9a209fbfc0c53d231d007e5d6067807d89f28f76856e3f2dc9f8ddc
-- Only the members see a conversation's history.
drop policy if exists conversation_events_select_member on public.conversation_events;
create policy conversation_events_select_member on public.conversation_events
for select to authenticated
using (conversation_id = any((select private.list_my_conversation_ids())::uuid[]));

-- source: 70_policies/conversations.sql sha256:b764a7f91dbc2f0fbd435e5c182440346b0f39b8fc64424114e12dc6b2759fb9
-- Only the members see a conversation.
drop policy if exists conversations_select_member on private.conversations;
create policy conversations_select_member on private.conversations
for select to authenticated
using (id = any((select private.list_my_conversation_ids())::uuid[]));

-- source: 70_policies/messages.sql sha256:aa4f9488e5ccaddc109761798f608cfc4477e5b5686ba9936d05f3e09e129b85
-- The members of a conversation see its messages until they expire; a message to one side, only its
-- sender and its receiver.
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

-- source: 70_policies/offers.sql sha256:028823c705d784cfd2a9dd43465aa779351f359ea61f6c47c52d415f8c70ac3f
-- The members of a conversation see its offers.
drop policy if exists offers_select_member on public.offers;
create policy offers_select_member on public.offers
for select to authenticated
using (conversation_id = any((select private.list_my_conversation_ids())::uuid[]));

-- source: 70_policies/realtime_messages.sql sha256:f82c01719301e4a7f69dbd9d55d87818206db829ec878d22c49e862e7899d3fa
-- Who may hear a private channel, and who may speak on it; see private.is_my_topic.
--
-- Realtime probes these with an empty row: they may use only the topic, the extension and the
-- caller.
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

-- source: 70_policies/requests.sql sha256:82cf24cbcc39f3223489aa588b400540b018db69fd6bd4050da895106ccafee2
-- The influencer who applied and the owner of the campaign see an application.
drop policy if exists requests_select_party on public.requests;
create policy requests_select_party on public.requests
for select to authenticated
using (
  influencer_id = (select private.my_id())
  or campaign_id = any(
    array(select g.id from public.campaigns as g where g.brand_owner_id = (select private.my_id()))
  )
);

-- source: 70_policies/storage_objects.sql sha256:2e4bcbd2728dc8be773bbe80153f2d710c3dabc671cad7734ac29d569e0a174a
-- The files of messages: private.may_handle_file decides. Nobody may update one.
--
-- To list a bucket, Postgres reads the files of all users: the conversation's id at the front of a
-- name excludes most of them cheaply.
drop policy if exists storage_objects_insert_uploader on storage.objects;
create policy storage_objects_insert_uploader on storage.objects
for insert to authenticated
with check (
  bucket_id = 'attachments' and private.may_handle_file('upload', name, metadata)
);

drop policy if exists storage_objects_select_reader on storage.objects;
create policy storage_objects_select_reader on storage.objects
for select to authenticated
using (
  bucket_id = 'attachments'
  and left(name, 36) = any((select private.list_my_conversation_ids())::text[])
  and private.may_handle_file('read', name)
);

drop policy if exists storage_objects_delete_uploader on storage.objects;
create policy storage_objects_delete_uploader on storage.objects
for delete to authenticated
using (bucket_id = 'attachments' and private.may_handle_file('delete', name));

-- source: 70_policies/users.sql sha256:589d8a6058a0c47734722fd0c418b887828f45feab8670e7e9c57a8e9b952c7f
-- Every signed-in user may see every card: anybody may chat with anybody.
drop policy if exists users_select_signed_in on public.users;
create policy users_select_signed_in on public.users
for select to authenticated
using ((select private.my_id()) is not null);

-- source: 70_policies/work_submissions.sql sha256:c0323b84eb02734646f51fe0f2910636e7323065cc77e85d91190d996b46d8fb
-- The members of a conversation see its submissions of work.
drop policy if exists work_submissions_select_member on public.work_submissions;
create policy work_submissions_select_member on public.work_submissions
for select to authenticated
using (conversation_id = any((select private.list_my_conversation_ids())::uuid[]));

-- source: 80_data/10_drafts.sql sha256:5866ac2440208559be26e090ed8d4be1efaa5a3a13030b1464a8d2c5732473a7
-- Begins a draft of each kind's flow; the next files fill them, and the last one publishes those
-- that differ from the flow in use.
--
-- The rules (docs/parts/flow_rules.md): how often something may be done, then times, the fee, and
-- how long ratings stay open. Razorpay's late authorisation takes up to 3 days, which attempt_hours
-- must outlast.
insert into private.flow_definitions (kind, rules) values
  (
    'bid',
    '{
      "max_rounds": 3, "max_returns": 5, "max_questions": 10, "max_revisions": 3,
      "max_withdrawals": 3, "max_extensions": 2, "max_cancellations": 2, "max_disputes": 1,
      "delivery_days": 14, "revision_days": 7, "overdue_grace_days": 7, "attempt_hours": 73,
      "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  (
    'campaign',
    '{
      "max_rounds": 3, "max_returns": 5, "max_questions": 10, "max_revisions": 3,
      "max_withdrawals": 3, "max_extensions": 2, "max_cancellations": 2, "max_disputes": 1,
      "delivery_days": 14, "revision_days": 7, "overdue_grace_days": 7, "attempt_hours": 73,
      "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  ('direct', '{"max_closings_a_day": 3}');

-- source: 80_data/15_shared_moves.sql sha256:ccf89f36b7b68acd73c8682d9fc3fdeff6d9bcf889784e532fdbc57d7414a91b
-- Messages and inputs that several states share: those of a move with the same name, and the fields
-- of an action. The files of the states name the move and do not repeat them.
select private.draft_moves('deals', $$
[
  {
    "name": "party_ends_conversation", "action": "end_conversation",
    "inputs": [{"field": "reason"}],
    "messages": [
      {
        "type": "system", "to": "other",
        "text": "{actor} ended the conversation.", "quote": "{reason}",
        "notification": "deal_closed"
      },
      {"type": "audit", "to": "actor", "text": "You ended the conversation."}
    ]
  },
  {
    "name": "nobody_answers_in_time", "action": "timer_idle",
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "Nobody answered in time; the conversation has ended.",
        "notification": "deal_closed"
      }
    ]
  },
  {
    "name": "payment_arrives_twice", "action": "payment_captured",
    "inputs": [
      {"field": "payment_id", "type": "text", "required": true, "max_length": 100},
      {
        "field": "amount_minor", "type": "integer", "required": true, "min": 1,
        "max": 100000000000
      },
      {"field": "currency", "type": "text", "required": true, "max_length": 3}
    ],
    "messages": [
      {
        "type": "system", "to": "brand_owner",
        "text": "This deal was paid twice; the second payment is being refunded.",
        "notification": "payment"
      }
    ]
  },
  {
    "name": "party_requests_cancellation", "action": "request_cancellation",
    "inputs": [
      {
        "field": "refund_amount", "type": "price",
        "placeholder": "Refund in rupees; empty: all of it"
      },
      {
        "field": "reason", "type": "textarea",
        "placeholder": "Why? (optional)", "input_type": "reason"
      }
    ],
    "messages": [
      {
        "type": "automated", "to": "other",
        "text": "{actor} asks to cancel, with a refund of {refund_text}.", "quote": "{reason}",
        "title": "Cancellation?", "subtitle": "Without an answer the deal goes on.",
        "notification": "action_required"
      },
      {"type": "audit", "to": "actor", "text": "You asked to cancel."}
    ]
  },
  {
    "name": "party_opens_dispute", "action": "raise_dispute",
    "inputs": [{"field": "reason"}],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "{actor} opened a dispute. An operator will decide.", "quote": "{reason}",
        "notification": "dispute"
      }
    ]
  },
  {
    "name": "bank_opens_dispute", "action": "bank_dispute_opened",
    "inputs": [
      {"field": "payment_id", "type": "text", "max_length": 100}
    ],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "The bank is looking into the payment. The deal rests until it has decided.",
        "notification": "dispute"
      }
    ]
  },
  {
    "name": "operator_closes_deal", "action": "force_close",
    "inputs": [
      {"field": "reason", "type": "textarea"}
    ],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "An operator closed this conversation.{reason_hint}",
        "notification": "deal_closed"
      }
    ]
  },
  {
    "name": "operator_stops_deal", "action": "force_dispute",
    "inputs": [
      {"field": "reason", "type": "textarea"}
    ],
    "messages": [
      {
        "type": "system", "to": "all",
        "text": "An operator stopped this deal to look into it.{reason_hint}",
        "notification": "dispute"
      }
    ]
  },
  {
    "action": "accept_price",
    "inputs": [
      {"field": "price", "type": "price"}
    ]
  },
  {
    "action": "reject_price",
    "inputs": [{"field": "reason"}]
  }
]
$$);

-- source: 80_data/20_initial.sql sha256:def823b6d5e6c4fd8d3470d1bc5a6a6896d5b33f987936ab793cfd10d62d5dce
-- Nothing is stored in this state: these moves open a conversation.
select private.draft_state('all', 'initial', $$
{
  "title": "Not there yet",
  "moves": [
    {
      "name": "brand_owner_connects",
      "kind": "bid", "role": "brand_owner", "action": "connect_bid",
      "to": "influencer_responding", "awaiting": "influencer",
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} wants to work with you on \"{subject}\".{proposed_hint}",
          "title": "New request", "subtitle": "{brand_owner} is interested in \"{subject}\"",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Request sent to {influencer}."}
      ]
    },
    {
      "name": "influencer_applies",
      "kind": "campaign", "role": "influencer", "action": "apply_to_campaign",
      "to": "brand_owner_reviewing", "awaiting": "brand_owner",
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} applies to \"{subject}\".{quote_hint}", "quote": "{pitch}",
          "title": "New application", "subtitle": "{influencer} wants to join \"{subject}\"",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Application sent."}
      ]
    },
    {
      "name": "brand_owner_invites",
      "kind": "campaign", "role": "brand_owner", "action": "invite_to_campaign",
      "to": "influencer_responding", "awaiting": "influencer",
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} invites you to a campaign.", "quote": "{subject}",
          "title": "Invitation", "subtitle": "{brand_owner} would like to work with you.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Invitation sent to {influencer}."}
      ]
    },
    {
      "name": "member_starts_chat",
      "kind": "direct", "role": "member", "action": "direct_connect",
      "to": "real_time",
      "messages": [
        {"type": "system", "to": "all", "text": "Conversation started"}
      ]
    }
  ]
}
$$);

-- source: 80_data/21_influencer_responding.sql sha256:9c1a05af3423876c79d2519d60991a3ce1d4f554b5449d3183d33b7401d31fb5
-- The influencer was asked to connect: by a brand owner for a bid, or by an invitation to a
-- campaign.
select private.draft_state('deals', 'influencer_responding', $$
{
  "title": "Waiting for the influencer's answer", "clock": "since_entry", "lasts": "7 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_request",
      "kind": "bid", "role": "influencer", "action": "accept_connection",
      "to": "brand_owner_details", "awaiting": "brand_owner",
      "button": {"text": "Accept", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted your request. What is the project?",
          "title": "Describe the project",
          "subtitle": "What should {influencer} do, until when, in which form?",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the request."}
      ]
    },
    {
      "name": "influencer_accepts_invitation",
      "kind": "campaign", "role": "influencer", "action": "accept_connection",
      "to": "brand_owner_pricing", "awaiting": "brand_owner",
      "button": {"text": "Accept", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted your invitation. Name your price.",
          "title": "Name your price", "subtitle": "What do you offer for \"{subject}\"?",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the invitation."}
      ]
    },
    {
      "name": "influencer_declines_connection",
      "role": "influencer", "action": "reject_connection",
      "to": "chat_closed", "effects": ["close"], "reason": "connection_rejected",
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the request.", "quote": "{reason}",
          "notification": "deal_closed", "kind": "bid"
        },
        {"type": "audit", "to": "actor", "text": "You declined the request.", "kind": "bid"},
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the invitation.", "quote": "{reason}",
          "notification": "deal_closed", "kind": "campaign"
        },
        {
          "type": "audit", "to": "actor",
          "text": "You declined the invitation.", "kind": "campaign"
        }
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/22_brand_owner_reviewing.sql sha256:2163e0d66ccdb26644578f0413b7ecc220f1a10a77880142eb4f4ec19eaf9531
-- An influencer applied to a campaign; its brand owner decides.
select private.draft_state('campaign', 'brand_owner_reviewing', $$
{
  "title": "Application under review", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_accepts_application",
      "role": "brand_owner", "action": "accept_application",
      "to": "brand_owner_pricing", "awaiting": "brand_owner", "effects": ["accept_request"],
      "button": {"text": "Accept", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Application accepted. Name your price.",
          "title": "Name your price", "subtitle": "What do you offer {influencer}?"
        },
        {
          "type": "system", "to": "influencer",
          "text": "Your application was accepted. {brand_owner} will name a price.",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the application."}
      ]
    },
    {
      "name": "brand_owner_accepts_quote",
      "role": "brand_owner", "action": "accept_application_at_quote",
      "guards": ["has_quote", "quote_matches"],
      "to": "payment_pending", "awaiting": "brand_owner",
      "effects": ["accept_request", "agree_on_quote"],
      "button": {
        "text": "Accept at {quote_text}", "style": "primary", "data": {"price": "{quote}"}
      },
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Agreed at {agreed_text}.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work."
        },
        {
          "type": "system", "to": "influencer",
          "text":
          "Your application was accepted at your price, {agreed_text}. Waiting for the payment.",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the application at {agreed_text}."}
      ]
    },
    {
      "name": "brand_owner_declines_application",
      "role": "brand_owner", "action": "reject_application",
      "to": "chat_closed", "effects": ["reject_request", "close"],
      "reason": "application_rejected",
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "You were not selected this time.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You declined the application."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/23_brand_owner_details.sql sha256:e3055a882d7fcbbb939f6a87a2c8e02b6714dc25a3d5b44556f387179298082b
-- The brand owner describes the project.
select private.draft_state('bid', 'brand_owner_details', $$
{
  "title": "Waiting for the project details", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_sends_details",
      "role": "brand_owner", "action": "send_project_details",
      "to": "influencer_reviewing", "awaiting": "influencer", "effects": ["keep_details"],
      "button": {"text": "Send", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "details", "type": "textarea", "required": true, "max_length": 5000,
          "placeholder": "What should be made, until when, in which form?",
          "prefill": "{details}", "input_type": "project_details"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} sent the project details.", "quote": "{details}",
          "title": "Project details", "subtitle": "{brand_owner} describes the project",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Project details sent."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary"}
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/24_influencer_reviewing.sql sha256:2228484f803871967c6f4d7f19b64842faf96d6fcf2028fbf1cacb412f09eb3a
-- The influencer reads the project details.
select private.draft_state('bid', 'influencer_reviewing', $$
{
  "title": "The influencer reviews the project", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_project",
      "role": "influencer", "action": "accept_project",
      "to": "brand_owner_pricing", "awaiting": "brand_owner",
      "button": {"text": "Accept project", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} likes the project. Name your price.",
          "title": "Name your price", "subtitle": "What do you offer for this project?",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted the project."}
      ]
    },
    {
      "name": "influencer_asks_about_details",
      "role": "influencer", "action": "request_details_change", "guards": ["has_question_left"],
      "to": "brand_owner_details", "awaiting": "brand_owner", "effects": ["count_question"],
      "button": {"text": "Ask for a change", "style": "secondary", "drawn": "both"},
      "inputs": [
        {
          "field": "question", "type": "textarea", "required": true,
          "placeholder": "What do you need to know?", "input_type": "question"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} has a question.", "quote": "{question}",
          "title": "Change the details", "subtitle": "{influencer} needs to know more",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "Your question was sent."}
      ]
    },
    {
      "name": "influencer_declines_project",
      "role": "influencer", "action": "reject_project",
      "to": "chat_closed", "effects": ["close"], "reason": "project_rejected",
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the project.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You declined the project."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/25_brand_owner_pricing.sql sha256:f3d2e1a0ba36e37c58df120914d2e3f5812aea63ff6e50de46f24dea9d88ecc1
-- The brand owner names the first price.
select private.draft_state('deals', 'brand_owner_pricing', $$
{
  "title": "Waiting for a price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_offers_price",
      "role": "brand_owner", "action": "send_price_offer",
      "to": "influencer_price_response", "awaiting": "influencer", "effects": ["make_offer"],
      "button": {"text": "Send offer", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "price", "type": "price", "required": true,
          "placeholder": "Your price in rupees", "prefill": "{proposed_price}",
          "input_type": "price"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} offers {offer_text}.",
          "title": "Offer: {offer_text}", "subtitle": "Accept it, or name your own price.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You offered {offer_text}."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary"}
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/26_influencer_price_response.sql sha256:054bc71096a0df425169fddc77c72ffdd8ab1b079869ee6bd552b226564f5272
-- The influencer considers a price that is not the last one.
select private.draft_state('deals', 'influencer_price_response', $$
{
  "title": "The influencer considers the price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_price",
      "role": "influencer", "action": "accept_price", "guards": ["offer_matches"],
      "to": "payment_pending", "awaiting": "brand_owner", "effects": ["agree_on_offer"],
      "button": {"text": "Accept {offer_text}", "style": "success", "data": {"price": "{offer}"}},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted {agreed_text}.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work.",
          "notification": "action_required"
        },
        {
          "type": "system", "to": "influencer",
          "text": "Agreed at {agreed_text}. Waiting for the payment."
        },
        {"type": "audit", "to": "actor", "text": "You accepted {agreed_text}."}
      ]
    },
    {
      "name": "influencer_starts_counter",
      "role": "influencer", "action": "negotiate_price",
      "to": "negotiation_input", "awaiting": "influencer", "follow_up": "submit_counter",
      "button": {"text": "Negotiate", "style": "warning"},
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "Which price do you have in mind?",
          "title": "Your price", "subtitle": "{brand_owner} offered {offer_text}."
        }
      ]
    },
    {
      "name": "influencer_declines_price",
      "role": "influencer", "action": "reject_price",
      "to": "brand_owner_negotiation", "awaiting": "brand_owner",
      "button": {"text": "Decline", "style": "danger"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} declined {offer_text}.", "quote": "{reason}",
          "title": "Price declined", "subtitle": "Offer another price, keep yours, or end here.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You declined {offer_text}."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/27_negotiation_input.sql sha256:5ed919c483c94f533daf6a1373a43a6bf4bec778b728a0c0b9020dbb1fa55c83
-- The awaited party types another price.
select private.draft_state('deals', 'negotiation_input', $$
{
  "title": "A price is being typed", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_sends_counter",
      "role": "influencer", "action": "submit_counter", "guards": ["is_awaited"],
      "to": "brand_owner_negotiation", "awaiting": "brand_owner", "effects": ["make_counter"],
      "button": {"text": "Send price", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "price", "type": "price", "required": true,
          "placeholder": "Your price in rupees", "input_type": "negotiation"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} asks for {counter_text}.",
          "title": "Counter offer: {counter_text}", "subtitle": "You offered {offer_text}.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You asked for {counter_text}."}
      ]
    },
    {
      "name": "influencer_goes_back",
      "role": "influencer", "action": "back", "guards": ["is_awaited", "has_return_left"],
      "to": "influencer_price_response", "awaiting": "influencer", "effects": ["count_return"],
      "button": {"text": "Back", "style": "secondary"},
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "The offer is {offer_text}.",
          "title": "Offer: {offer_text}", "subtitle": "Accept it, or name your own price."
        }
      ]
    },
    {
      "name": "brand_owner_sends_counter",
      "role": "brand_owner", "action": "submit_counter",
      "guards": ["is_awaited", "is_earlier_round"],
      "to": "influencer_price_response", "awaiting": "influencer", "effects": ["make_offer"],
      "button": {"text": "Send price", "style": "success", "drawn": "form"},
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} now offers {offer_text}.",
          "title": "Offer: {offer_text}", "subtitle": "Accept it, or name your own price.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You offered {offer_text}."}
      ]
    },
    {
      "name": "brand_owner_sends_last_counter",
      "role": "brand_owner", "action": "submit_counter",
      "guards": ["is_awaited", "is_last_round"],
      "to": "influencer_final_response", "awaiting": "influencer",
      "effects": ["finalize_offer", "make_offer"],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} makes a final offer: {offer_text}.",
          "title": "Final offer: {offer_text}", "subtitle": "There is no further round.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You made a final offer of {offer_text}."}
      ]
    },
    {
      "name": "brand_owner_goes_back",
      "role": "brand_owner", "action": "back", "guards": ["is_awaited", "has_return_left"],
      "to": "brand_owner_negotiation", "awaiting": "brand_owner", "effects": ["count_return"],
      "button": {"text": "Back", "style": "secondary"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "You offered {offer_text}.{counter_hint}",
          "title": "Your answer",
          "subtitle": "Accept, offer another price, keep yours, or end here."
        }
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/28_brand_owner_negotiation.sql sha256:6c0eb51abefef66cd82bbe1dc14024413761c8dedb88f12f4e9737c1c8504dc0
-- The influencer did not accept the price; the brand owner decides.
select private.draft_state('deals', 'brand_owner_negotiation', $$
{
  "title": "The brand owner considers the price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_accepts_counter",
      "role": "brand_owner", "action": "accept_counter",
      "guards": ["has_counter", "counter_matches"],
      "to": "payment_pending", "awaiting": "brand_owner", "effects": ["agree_on_counter"],
      "button": {
        "text": "Accept {counter_text}", "style": "success", "data": {"price": "{counter}"}
      },
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Agreed at {agreed_text}.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work."
        },
        {
          "type": "system", "to": "influencer",
          "text": "Your price of {agreed_text} was accepted. Waiting for the payment.",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You accepted {agreed_text}."}
      ]
    },
    {
      "name": "brand_owner_starts_counter",
      "role": "brand_owner", "action": "make_counter_offer", "guards": ["has_round_left"],
      "to": "negotiation_input", "awaiting": "brand_owner", "follow_up": "submit_counter",
      "button": {"text": "Make another offer", "style": "warning"},
      "inputs": [
        {"field": "price", "type": "price"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "Which price do you offer?",
          "title": "Your price", "subtitle": "You offered {offer_text}.{counter_hint}"
        }
      ]
    },
    {
      "name": "brand_owner_holds_price",
      "role": "brand_owner", "action": "hold_price",
      "to": "influencer_final_response", "awaiting": "influencer", "effects": ["hold_offer"],
      "button": {"text": "Stay at {offer_text}", "style": "secondary"},
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} stays at {offer_text}.",
          "title": "Final offer: {offer_text}", "subtitle": "There is no further round.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You stay at {offer_text}."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "danger"}
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/29_influencer_final_response.sql sha256:0cf1e5d29c00b1ae3abb53d20b6bab9665fd5bede5ee5ffc0832bc5b636cf8b5
-- The influencer considers the final price.
select private.draft_state('deals', 'influencer_final_response', $$
{
  "title": "The influencer considers the final price", "clock": "since_entry", "lasts": "14 days",
  "deadline_action": "timer_idle", "on_block": "end_conversation",
  "moves": [
    {
      "name": "influencer_accepts_final_price",
      "role": "influencer", "action": "accept_price", "guards": ["offer_matches"],
      "to": "payment_pending", "awaiting": "brand_owner", "effects": ["agree_on_offer"],
      "button": {"text": "Accept {offer_text}", "style": "success", "data": {"price": "{offer}"}},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} accepted {agreed_text}.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You accepted {agreed_text}."}
      ]
    },
    {
      "name": "influencer_declines_final_price",
      "role": "influencer", "action": "reject_price",
      "to": "chat_closed", "effects": ["close"], "reason": "price_not_agreed",
      "button": {"text": "Decline", "style": "danger"},
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} declined the final offer.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You declined the final offer."}
      ]
    },
    {
      "name": "party_ends_conversation",
      "role": "influencer brand_owner", "action": "end_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "nobody_answers_in_time",
      "role": "system", "action": "timer_idle",
      "to": "chat_closed", "effects": ["close"], "reason": "expired"
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/30_payment_pending.sql sha256:d3409eddcdb8bdd9afafd1a7d8d2f8baafd5dc9a4c587d386d8e45dd1bad5cb9
-- The price is agreed; the brand owner pays.
select private.draft_state('deals', 'payment_pending', $$
{
  "title": "Waiting for the payment", "clock": "payment_window", "lasts": "7 days",
  "deadline_action": "timer_payment_window", "on_block": "end_conversation",
  "moves": [
    {
      "name": "brand_owner_starts_payment",
      "role": "brand_owner", "action": "proceed_to_payment", "awaiting": "brand_owner",
      "effects": ["open_order", "note_attempt"],
      "button": {"text": "Pay now", "style": "success"},
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "The payment of {agreed_text} is ready.",
          "title": "Pay {agreed_text}",
          "subtitle": "The money is held until you approve the work."
        },
        {"type": "audit", "to": "actor", "text": "You started the payment."}
      ]
    },
    {
      "name": "party_leaves_payment",
      "role": "brand_owner", "action": "end_conversation", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} ended the conversation.", "quote": "{reason}",
          "notification": "deal_closed"
        },
        {"type": "audit", "to": "actor", "text": "You ended the conversation."}
      ]
    },
    {
      "name": "party_leaves_payment",
      "role": "influencer", "action": "end_conversation", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "ended_by_{role}",
      "button": {"text": "End here", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "payment_arrives",
      "role": "system", "action": "payment_captured",
      "guards": ["has_order", "capture_matches", "is_new_payment"],
      "to": "payment_completed", "awaiting": "influencer", "effects": ["hold_funds"],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text":
  "Payment of {agreed_text} received ({payment_id}). It is held until you approve the work.",
          "notification": "payment"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "{agreed_text} is paid and held for you.",
          "title": "Start the work",
          "subtitle": "Delivery is due {delivery_days} days after you start.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "payment_fails",
      "role": "system", "action": "payment_failed", "guards": ["has_order"],
      "awaiting": "brand_owner", "effects": ["note_attempt"],
      "inputs": [
        {"field": "payment_id", "type": "text", "max_length": 100, "is_secret": true},
        {"field": "reason", "type": "text", "max_length": 200, "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The payment did not go through.{reason_hint}",
          "title": "Payment failed", "subtitle": "You can try again.",
          "buttons": {"proceed_to_payment": "Retry"}, "notification": "payment"
        }
      ]
    },
    {
      "name": "payment_differs",
      "role": "system", "action": "payment_mismatch", "guards": ["has_order", "is_new_payment"],
      "awaiting": "brand_owner", "effects": ["bounce_payment", "note_attempt"],
      "inputs": [
        {"field": "payment_id", "type": "text", "required": true, "max_length": 100},
        {
          "field": "amount_minor", "type": "integer", "required": true, "min": 1,
          "max": 100000000000
        },
        {"field": "currency", "type": "text", "required": true, "max_length": 3}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The amount that was paid differs from {agreed_text}; it is being refunded.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "payment_window_passes",
      "role": "system", "action": "timer_payment_window", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "payment_window_passed",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The time for the payment has passed; the deal has ended.",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "operator_closes_deal",
      "role": "admin", "action": "force_close", "guards": ["nothing_captured"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_operator"
    }
  ]
}
$$);

-- source: 80_data/31_payment_completed.sql sha256:bcaa9c729b1355660239e5b7e09a520dbce818f72439de5f53cd2ca5aaffb31c
-- The money is held; the influencer has not started yet.
select private.draft_state('deals', 'payment_completed', $$
{
  "title": "Paid, not started", "clock": "since_entry", "lasts": "7 days",
  "deadline_action": "timer_start_window",
  "moves": [
    {
      "name": "influencer_starts_work",
      "role": "influencer", "action": "start_work",
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["start_work"],
      "button": {"text": "Start work", "style": "success"},
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} started the work. It is due on {delivery_due}.",
          "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work is due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "influencer_declines_work",
      "role": "influencer", "action": "decline_work",
      "to": "refund_pending", "effects": ["request_refund"],
      "button": {"text": "Decline", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} cannot do the work. Your refund has started.", "quote": "{reason}",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You declined the work."}
      ]
    },
    {
      "name": "brand_owner_cancels_before_start",
      "role": "brand_owner", "action": "cancel_before_start",
      "to": "refund_pending", "effects": ["request_refund"],
      "button": {"text": "Cancel", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "{brand_owner} cancelled before the work began.", "quote": "{reason}",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You cancelled. Your refund has started."}
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "start_window_passes",
      "role": "system", "action": "timer_start_window",
      "to": "refund_pending", "effects": ["request_refund"], "reason": "not_started",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The work was not started in time. The refund has started.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_opens_dispute",
      "role": "system", "action": "bank_dispute_opened",
      "to": "disputed", "effects": ["open_dispute", "drop_cancellation", "drop_extension"]
    },
    {
      "name": "operator_stops_deal",
      "role": "admin", "action": "force_dispute",
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"]
    }
  ]
}
$$);

-- source: 80_data/32_work_in_progress.sql sha256:757f4a28915d88cfe51b5df9ea950143e73055576d2669583b56ab7f3da1d59d
-- The influencer works.
select private.draft_state('deals', 'work_in_progress', $$
{
  "title": "Work in progress", "clock": "since_payment", "lasts": "75 days",
  "deadline_action": "timer_work_limit", "work_status": "in_progress",
  "moves": [
    {
      "name": "influencer_submits_work",
      "role": "influencer", "action": "submit_work",
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["store_submission", "drop_extension"],
      "button": {"text": "Submit work", "style": "success", "drawn": "form"},
      "inputs": [
        {
          "field": "deliverables", "type": "textarea", "required": true, "max_length": 5000,
          "placeholder": "Links to what you made", "input_type": "work_submission"
        },
        {
          "field": "description", "type": "textarea", "max_length": 5000,
          "placeholder": "What it is"
        },
        {
          "field": "submission_notes", "type": "textarea", "max_length": 5000,
          "placeholder": "What to know about it"
        },
        {"field": "attachments", "type": "file", "placeholder": "Files"}
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} submitted the work.",
          "quote": "{deliverables}\n{description}\n{submission_notes}",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}.", "notification": "review"
        },
        {"type": "audit", "to": "actor", "text": "Work submitted."}
      ]
    },
    {
      "name": "brand_owner_grants_extension",
      "role": "brand_owner", "action": "accept_extension", "guards": ["has_extension"],
      "awaiting": "influencer", "effects": ["accept_extension"],
      "button": {"text": "Give more time", "style": "success"},
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "You have more time: the work is due on {delivery_due}.", "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work is due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        },
        {"type": "audit", "to": "actor", "text": "You gave more time."}
      ]
    },
    {
      "name": "brand_owner_declines_extension",
      "role": "brand_owner", "action": "decline_extension", "guards": ["has_extension"],
      "awaiting": "influencer", "effects": ["drop_extension"],
      "button": {"text": "No more time", "style": "secondary"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "{brand_owner} gave no more time: the work is due on {delivery_due}.",
          "quote": "{reason}",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You declined more time."}
      ]
    },
    {
      "name": "brand_owner_cancels_overdue_work",
      "role": "brand_owner", "action": "cancel_overdue",
      "guards": ["is_overdue", "has_no_submission"],
      "to": "refund_pending", "effects": ["request_refund", "drop_extension"],
      "button": {"text": "Cancel: overdue", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "{brand_owner} cancelled because the work is overdue.", "quote": "{reason}",
          "notification": "work"
        },
        {"type": "audit", "to": "actor", "text": "You cancelled. Your refund has started."}
      ]
    },
    {
      "name": "brand_owner_disputes_overdue_revision",
      "role": "brand_owner", "action": "cancel_overdue",
      "guards": ["is_overdue", "has_submission", "has_dispute_left"],
      "to": "disputed", "effects": ["open_dispute", "drop_extension", "raise_alert"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{brand_owner} cancels: the revision is overdue. An operator will decide.",
          "quote": "{reason}", "notification": "dispute"
        }
      ]
    },
    {
      "name": "influencer_requests_extension",
      "role": "influencer", "action": "request_extension", "guards": ["has_extension_left"],
      "awaiting": "influencer", "effects": ["propose_extension"],
      "button": {"text": "Ask for more time", "style": "secondary"},
      "inputs": [
        {
          "field": "days", "type": "integer", "required": true, "min": 1, "max": 30,
          "placeholder": "How many days?"
        },
        {
          "field": "reason", "type": "textarea",
          "placeholder": "Why? (optional)", "input_type": "reason"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "brand_owner",
          "text": "{influencer} asks for {days} more days.", "quote": "{reason}",
          "title": "More time?", "subtitle": "The work is due on {delivery_due}.",
          "buttons": {"accept_extension": null, "decline_extension": null},
          "notification": "action_required"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work is due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        },
        {"type": "audit", "to": "actor", "text": "You asked for {days} more days."}
      ]
    },
    {
      "name": "party_requests_cancellation",
      "role": "influencer brand_owner", "action": "request_cancellation",
      "guards": ["has_cancellation_left"],
      "to": "cancellation_requested", "awaiting": "other",
      "effects": ["propose_cancellation", "drop_extension"],
      "button": {"text": "Ask to cancel", "style": "secondary"}
    },
    {
      "name": "party_opens_dispute",
      "role": "influencer brand_owner", "action": "raise_dispute", "guards": ["has_dispute_left"],
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"],
      "button": {"text": "Open a dispute", "style": "danger"}
    },
    {
      "name": "influencer_gives_up_work",
      "role": "influencer", "action": "give_up_work",
      "to": "refund_pending", "effects": ["request_refund", "drop_extension"],
      "button": {"text": "Give up", "style": "danger"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} gave the work up. Your refund has started.", "quote": "{reason}",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You gave the work up."}
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "work_limit_passes",
      "role": "system", "action": "timer_work_limit", "guards": ["has_no_submission"],
      "to": "refund_pending", "effects": ["request_refund", "drop_extension"],
      "reason": "not_delivered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The work was not delivered in time. The refund has started.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "revision_limit_passes",
      "role": "system", "action": "timer_work_limit", "guards": ["has_submission"],
      "to": "disputed", "effects": ["escalate", "drop_extension", "raise_alert"],
      "reason": "revision_not_delivered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The revision was not delivered in time. An operator will decide.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "bank_opens_dispute",
      "role": "system", "action": "bank_dispute_opened",
      "to": "disputed", "effects": ["open_dispute", "drop_cancellation", "drop_extension"]
    },
    {
      "name": "operator_stops_deal",
      "role": "admin", "action": "force_dispute",
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"]
    }
  ]
}
$$);

-- source: 80_data/33_work_submitted.sql sha256:66934bd3dd41fcd3a527fe692cbe61d93398ca9362faebc29f8b02d95fa2cc04
-- The brand owner reviews the submitted work.
select private.draft_state('deals', 'work_submitted', $$
{
  "title": "Work under review", "clock": "since_entry", "lasts": "7 days",
  "deadline_action": "timer_review_window", "work_status": "submitted",
  "moves": [
    {
      "name": "brand_owner_approves_work",
      "role": "brand_owner", "action": "approve_work",
      "to": "work_approved", "effects": ["approve_work", "release_funds"],
      "follow_up": "enable_real_time",
      "button": {"text": "Approve", "style": "success"},
      "inputs": [
        {"field": "feedback", "type": "textarea", "placeholder": "What did you like?"}
      ],
      "messages": [
        {
          "type": "system", "to": "influencer",
          "text": "Your work was approved, {released_text} is yours.", "quote": "{feedback}",
          "notification": "payment"
        },
        {"type": "audit", "to": "actor", "text": "You approved the work."}
      ]
    },
    {
      "name": "brand_owner_requests_revision",
      "role": "brand_owner", "action": "request_revision", "guards": ["has_revision_left"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["request_revision"],
      "button": {"text": "Ask for a change", "style": "warning", "drawn": "both"},
      "inputs": [
        {
          "field": "feedback", "type": "textarea", "required": true,
          "placeholder": "What should change?", "input_type": "feedback"
        }
      ],
      "messages": [
        {
          "type": "automated", "to": "influencer",
          "text": "{brand_owner} asks for a change.", "quote": "{feedback}",
          "title": "Revise your work", "subtitle": "Change it and submit it again.",
          "notification": "action_required"
        },
        {"type": "audit", "to": "actor", "text": "You asked for a change."}
      ]
    },
    {
      "name": "influencer_withdraws_submission",
      "role": "influencer", "action": "withdraw_submission",
      "guards": ["has_withdrawal_left"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["withdraw_submission"],
      "button": {"text": "Take it back", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "{influencer} took the submission back.", "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "You took your submission back.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        },
        {"type": "audit", "to": "actor", "text": "Submission taken back."}
      ]
    },
    {
      "name": "party_requests_cancellation",
      "role": "influencer brand_owner", "action": "request_cancellation",
      "guards": ["has_cancellation_left"],
      "to": "cancellation_requested", "awaiting": "other",
      "effects": ["propose_cancellation", "drop_extension"],
      "button": {"text": "Ask to cancel", "style": "secondary", "drawn": "nowhere"}
    },
    {
      "name": "party_opens_dispute",
      "role": "influencer brand_owner", "action": "raise_dispute", "guards": ["has_dispute_left"],
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"],
      "button": {"text": "Open a dispute", "style": "danger"}
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "review_window_passes",
      "role": "system", "action": "timer_review_window",
      "to": "work_approved", "effects": ["approve_work", "release_funds"],
      "reason": "auto_approved", "follow_up": "enable_real_time",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The work was approved, because the time for its review has passed.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_opens_dispute",
      "role": "system", "action": "bank_dispute_opened",
      "to": "disputed", "effects": ["open_dispute", "drop_cancellation", "drop_extension"]
    },
    {
      "name": "operator_stops_deal",
      "role": "admin", "action": "force_dispute",
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"]
    }
  ]
}
$$);

-- source: 80_data/34_work_approved.sql sha256:49c97e4387dc8d7767072d8a78d5ee23189d297ebff4db4ace8e6aeb74cbe66a
-- The money is released; the free chat begins in the same transaction.
select private.draft_state('deals', 'work_approved', $$
{
  "title": "Work approved", "work_status": "approved",
  "moves": [
    {
      "name": "free_chat_begins",
      "role": "system", "action": "enable_real_time",
      "to": "real_time",
      "messages": [
        {"type": "system", "to": "all", "text": "You can now chat freely."}
      ]
    }
  ]
}
$$);

-- source: 80_data/35_cancellation_requested.sql sha256:751935459efe1fd46f8c874ce30e216a6bff60090f9b3bc7e0693bf181fa311f
-- One side asked to cancel; the other side answers.
select private.draft_state('deals', 'cancellation_requested', $$
{
  "title": "A cancellation was asked for", "clock": "since_entry", "lasts": "72 hours",
  "deadline_action": "timer_cancellation",
  "moves": [
    {
      "name": "party_accepts_cancellation",
      "role": "influencer brand_owner", "action": "accept_cancellation", "guards": ["is_awaited"],
      "to": "refund_pending", "effects": ["request_agreed_refund", "drop_cancellation"],
      "button": {"text": "Agree to cancel", "style": "warning"},
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "Cancelled by agreement. The refund has started.", "notification": "payment"
        }
      ]
    },
    {
      "name": "cancellation_declined_work_resumes",
      "role": "influencer brand_owner", "action": "decline_cancellation",
      "guards": ["is_awaited", "was_there"],
      "to": "work_in_progress", "awaiting": "influencer",
      "effects": ["resume", "drop_cancellation"],
      "button": {"text": "Do not cancel", "style": "secondary"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} did not agree to cancel.", "quote": "{reason}",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "cancellation_declined_review_resumes",
      "role": "influencer brand_owner", "action": "decline_cancellation",
      "guards": ["is_awaited", "was_there"],
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["resume", "drop_cancellation"],
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} did not agree to cancel.", "quote": "{reason}",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
    },
    {
      "name": "cancellation_withdrawn_work_resumes",
      "role": "influencer brand_owner", "action": "withdraw_cancellation",
      "guards": ["is_requester", "was_there"],
      "to": "work_in_progress", "awaiting": "influencer",
      "effects": ["resume", "drop_cancellation"],
      "button": {"text": "Do not cancel after all", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} no longer asks to cancel.", "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "cancellation_withdrawn_review_resumes",
      "role": "influencer brand_owner", "action": "withdraw_cancellation",
      "guards": ["is_requester", "was_there"],
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["resume", "drop_cancellation"],
      "messages": [
        {
          "type": "system", "to": "other",
          "text": "{actor} no longer asks to cancel.", "notification": "work"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
    },
    {
      "name": "party_opens_dispute",
      "role": "influencer brand_owner", "action": "raise_dispute", "guards": ["has_dispute_left"],
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"],
      "button": {"text": "Open a dispute", "style": "danger"}
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "cancellation_unanswered_work_resumes",
      "role": "system", "action": "timer_cancellation", "guards": ["was_there"],
      "to": "work_in_progress", "awaiting": "influencer",
      "effects": ["resume", "drop_cancellation"], "reason": "cancellation_unanswered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "No answer: the deal continues.",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "cancellation_unanswered_review_resumes",
      "role": "system", "action": "timer_cancellation", "guards": ["was_there"],
      "to": "work_submitted", "awaiting": "brand_owner",
      "effects": ["resume", "drop_cancellation"], "reason": "cancellation_unanswered",
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "No answer: the deal continues.",
          "title": "Not cancelled", "subtitle": "An operator can decide.",
          "buttons": {"raise_dispute": null}, "notification": "work"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
    },
    {
      "name": "bank_opens_dispute",
      "role": "system", "action": "bank_dispute_opened",
      "to": "disputed", "effects": ["open_dispute", "drop_cancellation", "drop_extension"]
    },
    {
      "name": "operator_stops_deal",
      "role": "admin", "action": "force_dispute",
      "to": "disputed",
      "effects": ["open_dispute", "drop_cancellation", "drop_extension", "raise_alert"]
    }
  ]
}
$$);

-- source: 80_data/36_disputed.sql sha256:6ff7375a8906df74d8ceada778b36511d9b750058629314d0f876c105eb1cbad
-- The deal rests until an operator or the bank decides.
select private.draft_state('deals', 'disputed', $$
{
  "title": "An operator decides", "waiting_on": "admin", "clock": "since_entry",
  "lasts": "60 days", "deadline_action": "timer_dispute", "work_status": "disputed",
  "moves": [
    {
      "name": "dispute_withdrawn_work_resumes",
      "role": "influencer brand_owner", "action": "withdraw_dispute",
      "guards": ["is_opener", "was_there"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["close_dispute", "resume"],
      "button": {"text": "Withdraw the dispute", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} withdrew the dispute. The work continues.", "notification": "dispute"
        },
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "dispute_withdrawn_review_resumes",
      "role": "influencer brand_owner", "action": "withdraw_dispute",
      "guards": ["is_opener", "was_there"],
      "to": "work_submitted", "awaiting": "brand_owner", "effects": ["close_dispute", "resume"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} withdrew the dispute. The review continues.", "notification": "dispute"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "dispute_limit_passes",
      "role": "system", "action": "timer_dispute", "guards": ["has_no_submission"],
      "to": "refund_pending", "effects": ["close_dispute", "request_refund", "raise_alert"],
      "reason": "dispute_undecided",
      "messages": [
        {
          "type": "system", "to": "all",
          "text":
          "The dispute was not decided in time. No work was submitted, so the refund has started.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "dispute_limit_passes_after_submission",
      "role": "system", "action": "timer_dispute", "guards": ["has_submission"],
      "to": "work_approved",
      "effects": ["close_dispute", "approve_work", "release_funds", "raise_alert"],
      "reason": "dispute_undecided", "follow_up": "enable_real_time",
      "messages": [
        {
          "type": "system", "to": "all",
          "text":
          "The dispute was not decided in time. Work was submitted, so it counts as approved.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "bank_joins_dispute",
      "role": "system", "action": "bank_dispute_opened", "effects": ["open_dispute"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The bank, too, is looking into the payment.", "notification": "dispute"
        }
      ]
    },
    {
      "name": "bank_takes_money_back",
      "role": "system", "action": "bank_dispute_lost", "guards": ["is_bank_dispute"],
      "to": "chat_closed", "effects": ["close_dispute", "charge_back", "close"],
      "reason": "charged_back",
      "inputs": [
        {"field": "payment_id", "type": "text", "max_length": 100}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The bank took the payment back. The deal has ended.",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "operator_releases_money",
      "role": "admin", "action": "resolve_release",
      "to": "work_approved", "effects": ["close_dispute", "approve_work", "release_funds"],
      "follow_up": "enable_real_time",
      "inputs": [
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The operator decided for the influencer: the work is approved.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "operator_refunds_money",
      "role": "admin", "action": "resolve_refund",
      "to": "refund_pending", "effects": ["close_dispute", "request_refund"],
      "inputs": [
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The operator decided for the brand owner: the refund has started.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "operator_splits_money",
      "role": "admin", "action": "resolve_split",
      "to": "refund_pending", "effects": ["close_dispute", "request_split_refund"],
      "inputs": [
        {"field": "refund_amount", "type": "price", "required": true},
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The operator decided to share the money: {refund_text} is being refunded.",
          "notification": "dispute"
        }
      ]
    },
    {
      "name": "operator_resumes_work",
      "role": "admin", "action": "resolve_resume", "guards": ["was_there"],
      "to": "work_in_progress", "awaiting": "influencer", "effects": ["close_dispute", "resume"],
      "inputs": [
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {"type": "system", "to": "all", "text": "The work continues.", "notification": "dispute"},
        {
          "type": "automated", "to": "influencer",
          "text": "The work goes on, due on {delivery_due}.",
          "title": "Submit your work", "subtitle": "Give links to what you made."
        }
      ]
    },
    {
      "name": "operator_resumes_review",
      "role": "admin", "action": "resolve_resume", "guards": ["was_there"],
      "to": "work_submitted", "awaiting": "brand_owner", "effects": ["close_dispute", "resume"],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "The review continues.", "notification": "dispute"
        },
        {
          "type": "automated", "to": "brand_owner",
          "text": "The review goes on.",
          "title": "Review the work",
          "subtitle": "Without an answer it is approved on {deadline}."
        }
      ]
    },
    {
      "name": "operator_resumes_start",
      "role": "admin", "action": "resolve_resume", "guards": ["was_there"],
      "to": "payment_completed", "awaiting": "influencer", "effects": ["close_dispute", "resume"],
      "messages": [
        {"type": "system", "to": "all", "text": "The deal continues.", "notification": "dispute"},
        {
          "type": "automated", "to": "influencer",
          "text": "{agreed_text} is paid and held for you.",
          "title": "Start the work",
          "subtitle": "Delivery is due {delivery_days} days after you start."
        }
      ]
    }
  ]
}
$$);

-- source: 80_data/37_refund_pending.sql sha256:510f14166386a66dd85ca48a73ae5216c7115c2345be104c64c0e9db7da4767e
-- The refund is with the payment provider.
select private.draft_state('deals', 'refund_pending', $$
{
  "title": "The refund is on its way", "waiting_on": "provider", "work_status": "cancelled",
  "moves": [
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "refund_arrives",
      "role": "system", "action": "refund_processed",
      "to": "chat_closed", "effects": ["settle_refund", "close"], "reason": "refunded",
      "inputs": [
        {"field": "reference", "type": "text", "max_length": 200, "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The refund is complete: {refunded_text} was refunded to you.",
          "notification": "deal_closed"
        },
        {
          "type": "system", "to": "influencer",
          "text": "The refund to the brand owner is complete.{released_hint}",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "refund_fails",
      "role": "system", "action": "refund_failed", "effects": ["retry_refund"],
      "inputs": [
        {"field": "reason", "type": "text", "max_length": 200, "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The refund is delayed. It will be tried again.", "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_disputes_late",
      "role": "system", "action": "bank_dispute_opened", "awaiting": "unchanged",
      "reason": "bank_dispute_late"
    },
    {
      "name": "operator_confirms_refund",
      "role": "admin", "action": "mark_refunded_manually",
      "to": "chat_closed", "effects": ["settle_refund", "close"], "reason": "refunded",
      "inputs": [
        {
          "field": "reference", "type": "text", "required": true, "max_length": 200,
          "is_secret": true
        },
        {"field": "note", "type": "textarea", "is_secret": true}
      ],
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "The refund is complete: {refunded_text} was refunded to you.",
          "notification": "deal_closed"
        },
        {
          "type": "system", "to": "influencer",
          "text": "The refund to the brand owner is complete.{released_hint}",
          "notification": "deal_closed"
        }
      ]
    }
  ]
}
$$);

-- source: 80_data/38_real_time.sql sha256:d4d32e3949703a09ee8a11b508fa1e9965f391fff6aa171464d576af63d8c229
-- The two talk freely; the deal, if there was one, is settled. A direct chat closes without a
-- reason: words to the other side are messages, with their limits.
select private.draft_state('deals', 'real_time', $$
{
  "title": "Free chat", "free_text": true, "on_block": "close_conversation",
  "moves": [
    {
      "name": "party_rates_collaboration",
      "role": "influencer brand_owner", "action": "rate_collaboration",
      "guards": ["is_unrated", "may_rate"], "effects": ["keep_rating"],
      "button": {"text": "Rate", "style": "primary"},
      "inputs": [
        {
          "field": "rating", "type": "integer", "required": true, "min": 1, "max": 5,
          "placeholder": "1 to 5", "is_secret": true
        },
        {"field": "comment", "type": "textarea", "placeholder": "How was it?", "is_secret": true}
      ],
      "messages": [
        {
          "type": "audit", "to": "actor",
          "text":
          "You rated this collaboration. It is shown when both have, or after {rating_days} days."
        }
      ]
    },
    {
      "name": "party_closes_chat",
      "role": "influencer brand_owner", "action": "close_conversation",
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_{role}",
      "button": {"text": "Close", "style": "secondary"},
      "inputs": [{"field": "reason"}],
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} closed the conversation.", "quote": "{reason}",
          "notification": "deal_closed"
        }
      ]
    },
    {
      "name": "payment_arrives_twice",
      "role": "system", "action": "payment_captured", "guards": ["is_new_payment"],
      "awaiting": "unchanged", "effects": ["bounce_payment"], "reason": "second_payment"
    },
    {
      "name": "bank_disputes_late",
      "role": "system", "action": "bank_dispute_opened", "awaiting": "unchanged",
      "reason": "bank_dispute_late"
    }
  ]
}
$$);

select private.draft_state('direct', 'real_time', $$
{
  "title": "Free chat", "free_text": true,
  "moves": [
    {
      "name": "party_closes_chat",
      "role": "member", "action": "close_conversation", "guards": ["has_closing_left"],
      "to": "chat_closed", "effects": ["close"], "reason": "closed_by_{role}",
      "button": {"text": "Close", "style": "secondary"},
      "messages": [
        {
          "type": "system", "to": "all",
          "text": "{actor} closed the conversation.",
          "notification": "deal_closed"
        }
      ]
    }
  ]
}
$$);

-- source: 80_data/39_chat_closed.sql sha256:4267c156f2636b49b61820fe6979f134ac0dca416f39a02ed7ef921d230df8b2
-- The conversation is over; a direct chat may be opened again.
select private.draft_state('deals', 'chat_closed', $$
{
  "title": "Closed",
  "moves": [
    {
      "name": "party_rates_collaboration",
      "role": "influencer brand_owner", "action": "rate_collaboration",
      "guards": ["is_unrated", "may_rate"], "effects": ["keep_rating"],
      "button": {"text": "Rate", "style": "primary"}
    },
    {
      "name": "payment_arrives_late",
      "role": "system", "action": "payment_captured", "guards": ["has_order", "is_new_payment"],
      "effects": ["bounce_payment"], "reason": "late_payment",
      "messages": [
        {
          "type": "system", "to": "brand_owner",
          "text": "A payment came after the deal had ended; it is being refunded.",
          "notification": "payment"
        }
      ]
    },
    {
      "name": "bank_disputes_after_the_end",
      "role": "system", "action": "bank_dispute_opened", "guards": ["has_order"],
      "reason": "bank_dispute_late"
    }
  ]
}
$$);

select private.draft_state('direct', 'chat_closed', $$
{
  "title": "Closed",
  "moves": [
    {
      "name": "member_reopens_chat",
      "role": "member", "action": "reopen_conversation",
      "guards": ["is_closer", "is_unblocked", "has_reopening_left"],
      "to": "real_time", "effects": ["reopen"],
      "button": {"text": "Open again", "style": "secondary"},
      "messages": [
        {"type": "system", "to": "all", "text": "{actor} opened the conversation again."}
      ]
    }
  ]
}
$$);

-- source: 80_data/70_traces.sql sha256:4f1b85bb517df7ddf2f56405ebeeba24fab652b5cd40513bf380aca123e4bac4
-- Walks that every version of the flows must allow: `role action state` a line. The proof of a flow
-- takes them (P12): without them it would not notice that one of two alternative rows is gone.
-- Every such row is in a walk.
--
-- A walk begins at the end of the walk that its second name gives; the first ones begin at the
-- start.
insert into private.flow_traces (flow_id, name, steps)
with recursive given (kinds, name, begins_with, steps) as (
  values
    -- Getting to a price
    ('bid', 'A price is named', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer accept_project brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('bid', 'The influencer declines the request', null,
      'brand_owner connect_bid influencer_responding
      influencer reject_connection chat_closed'),
    ('bid', 'The influencer ends it at the request', null,
      'brand_owner connect_bid influencer_responding
      influencer end_conversation chat_closed'),
    ('bid', 'The details are changed, then the project is declined', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer request_details_change brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer reject_project chat_closed'),
    ('bid', 'The influencer ends it at the details', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer end_conversation chat_closed'),
    ('campaign', 'A price is named', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner accept_application brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('campaign', 'An application is accepted at its quote', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner accept_application_at_quote payment_pending'),
    ('campaign', 'An application is declined', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner reject_application chat_closed'),
    ('campaign', 'The brand owner ends it at the application', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner end_conversation chat_closed'),
    ('campaign', 'An invitation is accepted', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer accept_connection brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('campaign', 'An invitation is declined', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer reject_connection chat_closed'),
    ('campaign', 'The influencer ends it at the invitation', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer end_conversation chat_closed'),

    -- The price
    ('deals', 'The price is accepted', 'A price is named',
      'influencer accept_price payment_pending'),
    ('deals', 'A counter offer is accepted', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner accept_counter payment_pending'),
    ('deals', 'The influencer thinks again', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer back influencer_price_response
      influencer accept_price payment_pending'),
    ('deals', 'All rounds are used', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner submit_counter influencer_price_response
      influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner submit_counter influencer_final_response
      influencer accept_price payment_pending'),
    ('deals', 'The brand owner thinks again and stays at the price', 'A price is named',
      'influencer reject_price brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner back brand_owner_negotiation
      brand_owner hold_price influencer_final_response
      influencer reject_price chat_closed'),
    ('deals', 'The influencer ends it at the final price', 'A price is named',
      'influencer reject_price brand_owner_negotiation
      brand_owner hold_price influencer_final_response
      influencer end_conversation chat_closed'),

    -- The payment
    ('deals', 'It is paid', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system payment_captured payment_completed'),
    ('deals', 'It is paid at the third attempt', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system payment_failed payment_pending
      brand_owner proceed_to_payment payment_pending
      system payment_mismatch payment_pending
      brand_owner proceed_to_payment payment_pending
      system payment_captured payment_completed'),
    ('deals', 'It is paid too late', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system timer_payment_window chat_closed
      system payment_captured chat_closed'),
    ('deals', 'The influencer declines the work', 'It is paid',
      'influencer decline_work refund_pending
      system refund_failed refund_pending
      system refund_processed chat_closed'),
    ('deals', 'The brand owner cancels before the start', 'It is paid',
      'brand_owner cancel_before_start refund_pending
      admin mark_refunded_manually chat_closed'),
    ('deals', 'An operator stops it before the start', 'It is paid',
      'admin force_dispute disputed
      admin resolve_resume payment_completed'),

    -- The work
    ('deals', 'The work begins', 'It is paid',
      'influencer start_work work_in_progress'),
    ('deals', 'More time is given, then refused', 'The work begins',
      'influencer request_extension work_in_progress
      brand_owner accept_extension work_in_progress
      influencer request_extension work_in_progress
      brand_owner decline_extension work_in_progress'),
    ('deals', 'The work is overdue', 'The work begins',
      'brand_owner cancel_overdue refund_pending'),
    ('deals', 'The revision is overdue', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      brand_owner cancel_overdue disputed
      brand_owner withdraw_dispute work_in_progress'),
    ('deals', 'The work never comes', 'The work begins',
      'system timer_work_limit refund_pending'),
    ('deals', 'The revision never comes, and nobody decides', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      system timer_work_limit disputed
      system timer_dispute work_approved
      system enable_real_time real_time'),
    ('deals', 'The influencer gives the work up', 'The work begins',
      'influencer give_up_work refund_pending'),
    ('deals', 'The work is submitted', 'The work begins',
      'influencer submit_work work_submitted'),
    ('deals', 'The influencer takes the work back', 'The work is submitted',
      'influencer withdraw_submission work_in_progress'),
    ('deals', 'The work is approved', 'The work is submitted',
      'brand_owner approve_work work_approved
      system enable_real_time real_time'),
    ('deals', 'The work is approved after a revision', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      influencer submit_work work_submitted
      brand_owner approve_work work_approved
      system enable_real_time real_time'),
    ('deals', 'Nobody reviews the work', 'The work is submitted',
      'system timer_review_window work_approved
      system enable_real_time real_time'),
    ('deals', 'Both rate each other after the end', 'The work is approved',
      'influencer close_conversation chat_closed
      influencer rate_collaboration chat_closed
      brand_owner rate_collaboration chat_closed'),
    ('deals', 'What may still happen in the free chat', 'The work is approved',
      'influencer rate_collaboration real_time
      brand_owner rate_collaboration real_time
      system payment_captured real_time
      system bank_dispute_opened real_time
      brand_owner close_conversation chat_closed'),

    -- Cancelling
    ('deals', 'The influencer asks to cancel, the brand owner agrees', 'The work begins',
      'influencer request_cancellation cancellation_requested
      brand_owner accept_cancellation refund_pending'),
    ('deals', 'The brand owner asks to cancel, the influencer agrees', 'The work is submitted',
      'brand_owner request_cancellation cancellation_requested
      influencer accept_cancellation refund_pending'),
    ('deals', 'The work survives every request to cancel', 'The work begins',
      'influencer request_cancellation cancellation_requested
      influencer withdraw_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      brand_owner withdraw_cancellation work_in_progress
      influencer request_cancellation cancellation_requested
      brand_owner decline_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      influencer decline_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      system timer_cancellation work_in_progress'),
    ('deals', 'The review survives every request to cancel', 'The work is submitted',
      'influencer request_cancellation cancellation_requested
      influencer withdraw_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      brand_owner withdraw_cancellation work_submitted
      influencer request_cancellation cancellation_requested
      brand_owner decline_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      influencer decline_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      system timer_cancellation work_submitted'),

    -- Disputes
    ('deals', 'The work survives every dispute', 'The work begins',
      'influencer raise_dispute disputed
      influencer withdraw_dispute work_in_progress
      brand_owner raise_dispute disputed
      brand_owner withdraw_dispute work_in_progress
      influencer request_cancellation cancellation_requested
      brand_owner raise_dispute disputed
      admin resolve_resume work_in_progress'),
    ('deals', 'The review survives every dispute', 'The work is submitted',
      'influencer raise_dispute disputed
      influencer withdraw_dispute work_submitted
      brand_owner raise_dispute disputed
      brand_owner withdraw_dispute work_submitted
      brand_owner request_cancellation cancellation_requested
      influencer raise_dispute disputed
      admin resolve_resume work_submitted'),
    ('deals', 'An operator decides for the influencer', 'The work is submitted',
      'brand_owner raise_dispute disputed
      admin resolve_release work_approved
      system enable_real_time real_time'),
    ('deals', 'An operator decides for the brand owner', 'The work begins',
      'brand_owner raise_dispute disputed
      admin resolve_refund refund_pending'),
    ('deals', 'Nobody decides a dispute about work that never came', 'The work begins',
      'influencer raise_dispute disputed
      system timer_dispute refund_pending'),
    ('deals', 'An operator shares the money', 'The work is submitted',
      'influencer raise_dispute disputed
      admin resolve_split refund_pending'),
    ('deals', 'The bank joins a dispute and takes the money back', 'The work begins',
      'influencer raise_dispute disputed
      system bank_dispute_opened disputed
      system bank_dispute_lost chat_closed'),

    ('direct', 'It is closed and opened again', null,
      'member direct_connect real_time
      member close_conversation chat_closed
      member reopen_conversation real_time')
),
of_flow as (
  select
    f.id as flow_id, g.name, g.begins_with,
    regexp_replace(g.steps, '\n +', e'\n', 'g') as steps
  from given as g
  cross join lateral private.draft_flows(g.kinds) as f (id)
),
whole as (
  select o.flow_id, o.name, o.steps from of_flow as o where o.begins_with is null
  union all
  select o.flow_id, o.name, w.steps || e'\n' || o.steps
  from whole as w
  join of_flow as o on o.flow_id = w.flow_id and o.begins_with = w.name
)
select w.flow_id, w.name, w.steps from whole as w;

-- source: 80_data/90_publish.sql sha256:af065bb92eb8307a66afa1fcce1f1ee450b25bcea10112fa03c0b781bea10f3e
-- Proves and publishes the drafts of the files before, where they differ from the flow in use.
-- Conversations without a flow get the direct one.
select private.publish_draft(f.id)
from private.flow_definitions as f
where f.status = 'draft'
order by f.kind;

update private.conversations as c
set flow_id = f.id
from private.flow_definitions as f
where c.flow_id is null and f.kind = c.kind and f.status = 'published';
