-- Helpers of chats that the flow replaces, and one whose arguments change.

-- No client can call either.
-- squawk-ignore-file ban-drop-function

-- dropped: 30_chat/append_system_message.sql
drop function private.append_system_message(uuid, text);
drop function private.check_free_text(public.conversations);
