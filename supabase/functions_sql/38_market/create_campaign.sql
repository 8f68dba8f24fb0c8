-- Says what the caller, a brand owner, looks for; influencers apply, or are invited.
--
-- The budget, in rupees, binds nobody.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: campaigns, rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403) for an influencer,
-- INPUT_INVALID (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.create_campaign(
  p_title text,
  p_brief text,
  p_budget numeric
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
  v_budget_minor constant bigint := private.to_minor(p_budget, 'budget');
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

-- RPC: says what a brand owner looks for, with a budget in rupees if it is given; returns the
-- campaign.
create or replace function public.create_campaign(
  title text,
  brief text,
  budget numeric default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.create_campaign(title, brief, budget);
$$;

revoke all on function private.create_campaign(text, text, numeric)
from public, anon, authenticated, service_role;
grant execute on function private.create_campaign(text, text, numeric) to authenticated;
revoke all on function public.create_campaign(text, text, numeric)
from public, anon, authenticated, service_role;
grant execute on function public.create_campaign(text, text, numeric) to authenticated;
