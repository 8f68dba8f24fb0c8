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
