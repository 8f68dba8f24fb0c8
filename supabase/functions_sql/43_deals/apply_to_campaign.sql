-- An influencer applies to a campaign: a deal with its brand owner begins.
--
-- An open deal of the two on this campaign is the answer (`created: false`). quote is the
-- influencer's price in rupees: a number or a text.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the brand owner's (key share), the campaign, then their open deal.
-- Writes: rate_limits, requests, and as private.open_deal and private.answer_step.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), CAMPAIGN_NOT_FOUND (404),
-- CAMPAIGN_CLOSED (409), BLOCKED (403), IDEMPOTENCY_MISMATCH (409), INPUT_INVALID (422),
-- PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.apply_to_campaign(
  p_campaign_id uuid,
  p_quote jsonb,
  p_pitch text,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_quote_minor constant bigint := private.read_amount(p_quote, 'quote');
  v_pitch constant text := private.read_pitch(p_pitch);
  v_campaign public.campaigns;
  v_deal private.conversations;
begin
  v_step := private.begin_deal(
    'influencer', p_client_action_id,
    jsonb_build_object('campaign_id', p_campaign_id, 'quote', p_quote, 'pitch', p_pitch)
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  perform private.lock_peer(
    (select c.brand_owner_id from public.campaigns as c where c.id = p_campaign_id)
  );
  select c.* into v_campaign
  from public.campaigns as c
  where c.id = p_campaign_id
  for no key update;
  if not found then
    perform private.raise_error(
      'CAMPAIGN_NOT_FOUND', 'There is no such campaign.', p_status => 404
    );
  end if;

  v_deal.kind := 'campaign';
  v_deal.campaign_id := v_campaign.id;
  v_deal.brand_owner_id := v_campaign.brand_owner_id;
  v_deal.influencer_id := v_step.actor_id;
  v_deal.flow_data := jsonb_strip_nulls(
    private.money_json('quote', 'quote_minor', v_quote_minor)
      || private.money_json('proposed_amount', 'proposed_minor', v_campaign.budget_minor)
      || jsonb_build_object('pitch', v_pitch)
  );
  v_step.conversation := private.find_open_deal(v_deal);
  if (v_step.conversation).id is not null then
    return private.answer_existing(v_step);
  end if;
  if v_campaign.status <> 'open' then
    perform private.raise_error('CAMPAIGN_CLOSED', 'This campaign is closed.', p_status => 409);
  end if;
  insert into public.requests (campaign_id, influencer_id, quote_minor, pitch)
  values (v_campaign.id, v_step.actor_id, v_quote_minor, v_pitch)
  returning id into v_deal.request_id;
  return private.open_deal(v_step, v_deal, 'apply_to_campaign');
end;
$$;

-- RPC: applies to a campaign; returns `{success, created, conversation, messages, actions,
-- flow_update}`.
create or replace function public.apply_to_campaign(
  campaign_id uuid,
  quote jsonb default null,
  pitch text default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.apply_to_campaign(campaign_id, quote, pitch, client_action_id);
$$;

-- The pitch of an application, as it is stored; null when there is none.
--
-- Errors: INPUT_INVALID (422) `{field: "pitch", rule}`.
create or replace function private.read_pitch(p_pitch text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_pitch constant text := private.read_text(p_pitch, 'pitch', 5000, p_rule => 'max_length');
begin
  return case when not private.is_blank(v_pitch) then v_pitch end;
end;
$$;

grant execute on function private.apply_to_campaign(uuid, jsonb, text, uuid) to authenticated;
grant execute on function public.apply_to_campaign(uuid, jsonb, text, uuid) to authenticated;
