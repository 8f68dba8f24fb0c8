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
