-- Every signed-in user sees an open campaign; its owner and users with a conversation on it see a
-- closed one.
drop policy if exists campaigns_select_open_or_own on public.campaigns;
create policy campaigns_select_open_or_own on public.campaigns
for select to authenticated
using (
  status = 'open' and (select private.my_id()) is not null
  or brand_owner_id = (select private.my_id())
  or id = any(
    array(select c.campaign_id from private.conversations as c where c.campaign_id is not null)
  )
);
