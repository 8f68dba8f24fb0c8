-- Refuses more from a stranger than setting stranger_messages until the other side has answered.
--
-- A stranger is whoever writes first in a direct chat; a deal has its own way of getting to know
-- each other. Call it under the conversation's lock.
-- Errors: GUARD_FAILED (409) `{guard: "first_message_unanswered", max_messages}`.
create or replace function private.check_stranger(
  p_conversation public.conversations,
  p_sender_id uuid
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_allowed constant bigint := private.get_number('stranger_messages')::bigint;
begin
  if v_allowed is null or p_conversation.kind <> 'direct' or exists (
    select from public.messages as m
    where m.conversation_id = p_conversation.id
      and m.message_type = 'user_input'
      and m.sender_id <> p_sender_id
  ) then
    return;
  end if;
  if v_allowed <= (
    select count(*)
    from public.messages as m
    where m.conversation_id = p_conversation.id and m.message_type = 'user_input'
  ) then
    perform private.raise_error(
      'GUARD_FAILED', 'Wait for an answer before you write more.',
      jsonb_build_object('guard', 'first_message_unanswered', 'max_messages', v_allowed),
      p_status => 409
    );
  end if;
end;
$$;

revoke all on function private.check_stranger(public.conversations, uuid)
from public, anon, authenticated, service_role;
