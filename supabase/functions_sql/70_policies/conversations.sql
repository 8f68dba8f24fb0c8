-- Only the members see a conversation.
drop policy if exists conversations_select_member on private.conversations;
create policy conversations_select_member on private.conversations
for select to authenticated
using (id = any((select private.list_my_conversation_ids())::uuid[]));
