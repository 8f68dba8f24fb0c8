-- Takes the caller's campaign off the market: nobody can apply or be invited anymore.
--
-- Conversations that it led to go on. A second call answers the same.
-- Definer: clients have no write grant on any table.
-- Locks: the campaign, so that an application either came before or finds it closed.
-- Writes: campaigns, and what announce_campaign writes.
-- Errors: AUTH_REQUIRED (401), CAMPAIGN_NOT_FOUND (404) also for somebody else's.
create or replace function private.close_campaign(p_campaign_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_campaign public.campaigns;
begin
  select g.* into v_campaign
  from public.campaigns as g
  where g.id = p_campaign_id and g.brand_owner_id = v_me
  for no key update;
  if not found then
    perform private.raise_error(
      'CAMPAIGN_NOT_FOUND', 'There is no such campaign.', p_status => 404
    );
  end if;
  if v_campaign.status = 'open' then
    update public.campaigns as g
    set status = 'closed', updated_at = now()
    where g.id = p_campaign_id
    returning g.* into v_campaign;
    perform private.announce_campaign(p_campaign_id);
  end if;
  return to_json(v_campaign);
end;
$$;

-- RPC: takes an own campaign off the market; its conversations go on; returns the campaign.
create or replace function public.close_campaign(campaign_id uuid)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.close_campaign(campaign_id);
$$;

revoke all on function private.close_campaign(uuid) from public, anon, authenticated, service_role;
grant execute on function private.close_campaign(uuid) to authenticated;
revoke all on function public.close_campaign(uuid) from public, anon, authenticated, service_role;
grant execute on function public.close_campaign(uuid) to authenticated;
