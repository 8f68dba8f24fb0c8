-- Ends the call because a conversation is closed.
--
-- Errors: CHAT_CLOSED (409).
create or replace function private.raise_chat_closed()
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error('CHAT_CLOSED', 'This conversation is closed.', p_status => 409);
end;
$$;

revoke all on function private.raise_chat_closed()
from public, anon, authenticated, service_role;
