-- A conversation as it is now: its row, with the steps that are due by now taken in memory.
create or replace function private.as_of_now(p_conversation public.conversations)
returns public.conversations
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
