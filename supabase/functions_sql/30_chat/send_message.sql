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
