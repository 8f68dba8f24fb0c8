-- A conversation as it is now: its row, with due steps taken in memory.
create or replace function private.as_of_now(p_conversation private.conversations)
returns private.conversations
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_conversation.deadline_at <= now() then
    return private.run_deadlines(p_conversation, p_is_trial => true);
  end if;
  return p_conversation;
end;
$$;

-- Whether a conversation is open for free text in its present state.
--
-- real_time always is (private.publish_draft checks it), so frequent callers read chat_status
-- first.
create or replace function private.takes_free_text(p_conversation private.conversations)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return p_conversation.chat_status = 'real_time'
    or p_conversation.chat_status <> 'closed' and exists (
      select from private.flow_states as s
      where s.flow_id = p_conversation.flow_id
        and s.state = p_conversation.flow_state
        and s.free_text
    );
end;
$$;
