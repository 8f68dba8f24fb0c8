-- Only the members see a conversation's history.
drop policy if exists conversation_events_select_member on public.conversation_events;
create policy conversation_events_select_member on public.conversation_events
for select to authenticated
using (conversation_id = any((select private.list_my_conversation_ids())::uuid[]));
