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
