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
