-- A user sees their own blocks; the blocked user sees none of them.
drop policy if exists blocks_select_own on public.blocks;
create policy blocks_select_own on public.blocks
for select to authenticated
using (blocker_id = (select private.my_id()));
