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
  v_message.message := coalesce(private.read_text(p_message, 'message', 5000), '');
  if p_media_url <> '' then
    perform private.check_media_url(p_media_url);
  end if;
  perform private.check_size(p_media_url, 'media_url', 2048);
  v_account := private.lock_account(v_me);

  v_message.conversation_id := p_conversation_id;
  v_message.sender_id := v_me;
  v_message.message_type := 'user_input';
  v_message.media_url := nullif(p_media_url, '');
  v_message.reply_to := p_reply_to;
  v_message.client_message_id := p_client_message_id;
  v_earlier := private.find_earlier_send(v_message, v_lifetime, v_account);
  if v_earlier is not null then
    return v_earlier;
  end if;

  v_conversation := private.claim_seq(p_conversation_id, v_me);
  perform private.check_free_text(v_conversation, v_me);
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
