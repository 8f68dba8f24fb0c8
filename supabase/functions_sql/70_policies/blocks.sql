-- Whom somebody blocks is nobody else's business, also not of the one who is blocked.
drop policy if exists blocks_select_own on public.blocks;
create policy blocks_select_own on public.blocks
for select to authenticated
using (blocker_id = (select private.my_id()));
