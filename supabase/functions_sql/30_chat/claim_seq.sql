-- Locks a conversation until the transaction ends and gives out the number of its next message: the
-- row that is returned has it as last_seq. A refusal after that takes it back with all the rest.
--
-- Steps that are due are taken before. Args: the conversation; the member who writes.
-- Locks: the row of conversations, after the caller's account where both are locked.
-- Writes: conversations, and what private.run_deadlines writes.
-- Errors: CONVERSATION_NOT_FOUND (404), also for somebody else's.
create or replace function private.claim_seq(p_conversation_id uuid, p_user_id uuid)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
begin
  update public.conversations as c
  set
    last_seq = c.last_seq + 1,
    last_message_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where c.id = p_conversation_id
    and p_user_id in (c.user_a, c.user_b)
    and (c.deadline_at is null or c.deadline_at > clock_timestamp())
  returning c.* into v_conversation;
  if not found then
    -- What is due comes first, and has its own messages.
    perform private.run_deadlines(
      private.lock_conversation(p_conversation_id, p_user_id), p_is_trial => false
    );
    return private.claim_seq(p_conversation_id, p_user_id);
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.claim_seq(uuid, uuid)
from public, anon, authenticated, service_role;
