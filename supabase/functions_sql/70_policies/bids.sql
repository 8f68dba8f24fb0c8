-- Every signed-in user sees an open bid; its owner and users with a conversation on it see a closed
-- one.
drop policy if exists bids_select_open_or_own on public.bids;
create policy bids_select_open_or_own on public.bids
for select to authenticated
using (
  status = 'open' and (select private.my_id()) is not null
  or influencer_id = (select private.my_id())
  or id = any(array(select c.bid_id from private.conversations as c where c.bid_id is not null))
);
