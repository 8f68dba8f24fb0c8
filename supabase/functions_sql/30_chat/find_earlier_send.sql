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
