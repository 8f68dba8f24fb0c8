-- A brand owner invites an influencer to their campaign: a deal begins.
--
-- An open deal of the two on this campaign is the answer (`created: false`).
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the influencer's (key share), the campaign, then their open deal.
-- Writes: rate_limits, and as private.open_deal and private.answer_step.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), CAMPAIGN_NOT_FOUND (404),
-- USER_NOT_FOUND (404), INPUT_INVALID (422) for a user who is no influencer, CAMPAIGN_CLOSED (409),
-- BLOCKED (403), IDEMPOTENCY_MISMATCH (409), RATE_LIMITED (429).
create or replace function private.invite_to_campaign(
  p_campaign_id uuid,
  p_influencer_id uuid,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_campaign public.campaigns;
  v_deal private.conversations;
begin
  v_step := private.begin_deal(
    'brand_owner', p_client_action_id,
    jsonb_build_object('campaign_id', p_campaign_id, 'influencer_id', p_influencer_id)
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  perform private.lock_peer(p_influencer_id);
  select c.* into v_campaign
  from public.campaigns as c
  where c.id = p_campaign_id and c.brand_owner_id = v_step.actor_id
  for no key update;
  if not found then
    perform private.raise_error(
      'CAMPAIGN_NOT_FOUND', 'There is no such campaign among yours.', p_status => 404
    );
  end if;
  perform private.check_influencer(p_influencer_id);

  v_deal.kind := 'campaign';
  v_deal.campaign_id := v_campaign.id;
  v_deal.brand_owner_id := v_step.actor_id;
  v_deal.influencer_id := p_influencer_id;
  v_deal.flow_data := jsonb_strip_nulls(
    private.money_json('proposed_amount', 'proposed_minor', v_campaign.budget_minor)
  );
  v_step.conversation := private.find_open_deal(v_deal);
  if (v_step.conversation).id is not null then
    return private.answer_existing(v_step);
  end if;
  if v_campaign.status <> 'open' then
    perform private.raise_error('CAMPAIGN_CLOSED', 'This campaign is closed.', p_status => 409);
  end if;
  return private.open_deal(v_step, v_deal, 'invite_to_campaign');
end;
$$;

-- RPC: invites an influencer; returns `{success, created, conversation, messages, actions,
-- flow_update}`.
create or replace function public.invite_to_campaign(
  campaign_id uuid,
  influencer_id uuid,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.invite_to_campaign(campaign_id, influencer_id, client_action_id);
$$;

-- Refuses to invite a user who is no influencer, or whose login was deleted.
--
-- Errors: USER_NOT_FOUND (404), INPUT_INVALID (422) `{field: "influencer_id", rule: "influencer"}`.
create or replace function private.check_influencer(p_user_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_user public.users;
begin
  select u.* into v_user
  from public.users as u
  join private.accounts as a on a.user_id = u.id
  where u.id = p_user_id;
  if not found then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  if v_user.role is distinct from 'influencer' then
    perform private.raise_input_invalid(
      'influencer_id', 'influencer', 'Only influencers can be invited.'
    );
  end if;
end;
$$;

grant execute on function private.invite_to_campaign(uuid, uuid, uuid) to authenticated;
grant execute on function public.invite_to_campaign(uuid, uuid, uuid) to authenticated;
