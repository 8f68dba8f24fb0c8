-- Reads or locks a conversation for a member; for anybody else it does not exist.

-- A conversation of a user, as it is stored.
--
-- Errors: CONVERSATION_NOT_FOUND (404), also for another user's.
create or replace function private.read_conversation(p_conversation_id uuid, p_user_id uuid)
returns private.conversations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  select c.* into v_conversation
  from private.conversations as c
  where c.id = p_conversation_id and p_user_id in (c.user_a, c.user_b);
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;

-- Locks a conversation of a user until the transaction ends and returns it.
--
-- Args: the conversation; the member (null: an operator or the system, checked before). Locks: the
-- conversation's row.
-- Errors: CONVERSATION_NOT_FOUND (404), also for another user's.
create or replace function private.lock_conversation(p_conversation_id uuid, p_user_id uuid)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  select c.* into v_conversation
  from private.conversations as c
  where c.id = p_conversation_id and (p_user_id is null or p_user_id in (c.user_a, c.user_b))
  for no key update;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return v_conversation;
end;
$$;
