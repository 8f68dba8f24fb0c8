-- A conversation is its members' alone, while no time limit has passed that is not written yet:
-- until then what is stored is not what is. public.conversations_now has every conversation.
drop policy if exists conversations_select_member on private.conversations;
create policy conversations_select_member on private.conversations
for select to authenticated
using (
  id = any((select private.list_my_conversation_ids())::uuid[])
  and (deadline_at is null or deadline_at > now())
);
