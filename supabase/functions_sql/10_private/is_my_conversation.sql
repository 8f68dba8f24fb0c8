-- Whether the caller is a member of the conversation.
create or replace function private.is_my_conversation(p_conversation_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.participants as p
    where p.conversation_id = p_conversation_id and p.user_id = (select auth.uid())
  );
end;
$$;
