-- Tells those who hear `campaign:<id>` that a campaign was closed or that there is one
-- conversation more.
--
-- Args: a campaign whose row this transaction holds, so that counts are told in their order.
-- Writes: what broadcast writes. Events: campaign_changed
-- `{campaign_id, status, conversations}`.
create or replace function private.announce_campaign(p_campaign_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_payload constant jsonb := (
    select jsonb_build_object(
      'campaign_id', g.id,
      'status', g.status,
      'conversations',
      (select count(*) from public.conversations as c where c.campaign_id = g.id)
    )
    from public.campaigns as g
    where g.id = p_campaign_id
  );
begin
  perform private.broadcast(
    array['campaign_changed'], array['campaign:' || p_campaign_id], array[v_payload]
  );
end;
$$;

revoke all on function private.announce_campaign(uuid)
from public, anon, authenticated, service_role;
