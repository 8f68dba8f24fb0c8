-- The members of a conversation see its messages until they expire; a message to one side, only its
-- sender and its receiver.
--
-- The second and third condition are those of private.visible_messages; a test compares them.
drop policy if exists messages_select_member on public.messages;
create policy messages_select_member on public.messages
for select to authenticated
using (
  conversation_id = any((select private.list_my_conversation_ids())::uuid[])
  and (visible_to = 'all' or (select auth.uid()) in (sender_id, receiver_id))
  and (expires_at is null or expires_at > now())
);
