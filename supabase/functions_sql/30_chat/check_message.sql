-- Refuses a message that says nothing, or answers one that is not there.
--
-- Errors: MESSAGE_EMPTY (422), MESSAGE_NOT_FOUND (404) when reply_to is none of
-- the conversation's messages that the caller sees.
create or replace function private.check_message(p_message public.messages)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_message.media_url is null and private.is_blank(p_message.message) then
    perform private.raise_error(
      'MESSAGE_EMPTY', 'Write something, or attach something.', p_status => 422
    );
  end if;
  if p_message.reply_to is not null and not exists (
    select from private.visible_messages as m
    where m.id = p_message.reply_to and m.conversation_id = p_message.conversation_id
  ) then
    perform private.raise_error(
      'MESSAGE_NOT_FOUND', 'The message you answer is not in this conversation.', p_status => 404
    );
  end if;
end;
$$;

revoke all on function private.check_message(public.messages)
from public, anon, authenticated, service_role;
