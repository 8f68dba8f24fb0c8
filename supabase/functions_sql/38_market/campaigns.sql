-- RPC: a brand owner opens a campaign, with an optional budget in rupees, as a number or as people
-- write it ("5,000", "1.5 lakh"); returns the campaign.
create or replace function public.create_campaign(
  title text,
  brief text,
  budget jsonb default null
)
returns json
language sql
set search_path = ''
as $$
  select private.create_campaign(title, brief, budget);
$$;

-- Puts a campaign of the caller, a brand owner, on the market; influencers apply, or are invited.
--
-- The budget binds nobody.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: campaigns, rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403) for an influencer,
-- INPUT_INVALID (422), PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.create_campaign(
  p_title text,
  p_brief text,
  p_budget jsonb
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_role('brand_owner');
  v_title constant text := private.require_text(p_title, 'title', 200);
  v_brief constant text := private.require_text(p_brief, 'brief', 5000);
  v_budget_minor constant bigint := private.read_amount(p_budget, 'budget');
  v_campaign public.campaigns;
begin
  perform private.lock_account(v_me);
  perform private.limit_rate(v_me, 'deal');
  insert into public.campaigns (brand_owner_id, title, brief, budget_minor)
  values (v_me, v_title, v_brief, v_budget_minor)
  returning * into v_campaign;
  return to_json(v_campaign);
end;
$$;

-- RPC: takes an own campaign off the market; its conversations go on; returns the campaign.
create or replace function public.close_campaign(campaign_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.close_campaign(campaign_id);
$$;

-- Takes the caller's campaign off the market: nobody can apply or be invited anymore.
--
-- Conversations that it led to go on. A second call answers the same.
-- Definer: clients have no write grant on any table.
-- Locks: the campaign, so that an application either came before or sees it closed.
-- Writes: campaigns, and as announce_campaign.
-- Errors: AUTH_REQUIRED (401), CAMPAIGN_NOT_FOUND (404) also for another user's.
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

-- Tells the listeners of `campaign:<id>` that the campaign was closed or has one more conversation.
--
-- Args: a campaign whose row this transaction has locked, so that counts arrive in order.
-- Writes: as broadcast. Events: campaign_changed `{campaign_id, status, conversations}`.
create or replace function private.announce_campaign(p_campaign_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_payload constant jsonb := (
    select jsonb_build_object(
      'campaign_id', g.id,
      'status', g.status,
      'conversations',
      (select count(*) from private.conversations as c where c.campaign_id = g.id)
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

grant execute on function private.create_campaign(text, text, jsonb) to authenticated;
grant execute on function public.create_campaign(text, text, jsonb) to authenticated;
grant execute on function private.close_campaign(uuid) to authenticated;
grant execute on function public.close_campaign(uuid) to authenticated;
