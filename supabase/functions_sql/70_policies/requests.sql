-- The influencer who applied and the owner of the campaign see an application.
drop policy if exists requests_select_party on public.requests;
create policy requests_select_party on public.requests
for select to authenticated
using (
  influencer_id = (select private.my_id())
  or campaign_id = any(
    array(select g.id from public.campaigns as g where g.brand_owner_id = (select private.my_id()))
  )
);
