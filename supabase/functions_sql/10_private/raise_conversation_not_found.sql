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
