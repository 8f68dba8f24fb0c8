-- An open bid is for everybody who is signed in; a closed one for its owner, and for those who
-- see a conversation on it.
drop policy if exists bids_select_open_or_own on public.bids;
create policy bids_select_open_or_own on public.bids
for select to authenticated
using (
  status = 'open' and (select private.my_id()) is not null
  or influencer_id = (select private.my_id())
  or id = any(array(select c.bid_id from private.conversations as c where c.bid_id is not null))
);
