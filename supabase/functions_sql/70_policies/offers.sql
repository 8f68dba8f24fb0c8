-- The members of a conversation see its offers.
drop policy if exists offers_select_member on public.offers;
create policy offers_select_member on public.offers
for select to authenticated
using (conversation_id = any((select private.list_my_conversation_ids())::uuid[]));
