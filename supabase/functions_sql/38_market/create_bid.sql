-- Offers what the caller, an influencer, does; brand owners connect to it.
--
-- The amount, in rupees, is a hint and binds nobody.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: bids, rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403) for a brand owner,
-- INPUT_INVALID (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.create_bid(
  p_title text,
  p_description text,
  p_amount numeric
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_role('influencer');
  v_title constant text := private.require_text(p_title, 'title', 200);
  v_description constant text := private.require_text(p_description, 'description', 5000);
  v_amount_minor constant bigint := private.to_minor(p_amount, 'amount');
  v_bid public.bids;
begin
  perform private.lock_account(v_me);
  perform private.limit_rate(v_me, 'deal');
  insert into public.bids (influencer_id, title, description, amount_minor)
  values (v_me, v_title, v_description, v_amount_minor)
  returning * into v_bid;
  return to_json(v_bid);
end;
$$;

-- RPC: offers what an influencer does, for an amount in rupees if it is given; returns the bid.
create or replace function public.create_bid(
  title text,
  description text,
  amount numeric default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.create_bid(title, description, amount);
$$;

revoke all on function private.create_bid(text, text, numeric)
from public, anon, authenticated, service_role;
grant execute on function private.create_bid(text, text, numeric) to authenticated;
revoke all on function public.create_bid(text, text, numeric)
from public, anon, authenticated, service_role;
grant execute on function public.create_bid(text, text, numeric) to authenticated;
