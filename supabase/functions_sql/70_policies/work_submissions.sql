-- The members of a conversation see its submissions of work.
drop policy if exists work_submissions_select_member on public.work_submissions;
create policy work_submissions_select_member on public.work_submissions
for select to authenticated
using (conversation_id = any((select private.list_my_conversation_ids())::uuid[]));
