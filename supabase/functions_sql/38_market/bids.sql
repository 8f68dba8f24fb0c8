-- RPC: an influencer offers work, for an optional amount in rupees, as a number or as people write
-- it ("5,000", "1.5 lakh"); returns the bid.
create or replace function public.create_bid(
  title text,
  description text,
  amount jsonb default null
)
returns json
language sql
set search_path = ''
as $$
  select private.create_bid(title, description, amount);
$$;

-- Puts an offer of the caller, an influencer, on the market; brand owners connect to it.
--
-- The amount is a hint and binds nobody.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: bids, rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403) for a brand owner,
-- INPUT_INVALID (422), PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.create_bid(
  p_title text,
  p_description text,
  p_amount jsonb
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
  v_amount_minor constant bigint := private.read_amount(p_amount, 'amount');
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

-- RPC: takes an own bid off the market; its conversations go on; returns the bid.
create or replace function public.close_bid(bid_id uuid)
returns json
language sql
set search_path = ''
as $$
  select private.close_bid(bid_id);
$$;

-- Takes the caller's bid off the market: nobody can connect to it anymore.
--
-- Conversations that it led to go on. A second call answers the same.
-- Definer: clients have no write grant on any table.
-- Locks: the bid, so that a connection either came before or sees it closed.
-- Writes: bids, and as announce_bid.
-- Errors: AUTH_REQUIRED (401), BID_NOT_FOUND (404) also for another user's.
create or replace function private.close_bid(p_bid_id uuid)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_bid public.bids;
begin
  select b.* into v_bid
  from public.bids as b
  where b.id = p_bid_id and b.influencer_id = v_me
  for no key update;
  if not found then
    perform private.raise_error('BID_NOT_FOUND', 'There is no such bid.', p_status => 404);
  end if;
  if v_bid.status = 'open' then
    update public.bids as b
    set status = 'closed', updated_at = now()
    where b.id = p_bid_id
    returning b.* into v_bid;
    perform private.announce_bid(p_bid_id);
  end if;
  return to_json(v_bid);
end;
$$;

-- Tells the listeners of `bid:<id>` that the bid was closed or has one more conversation.
--
-- Args: a bid whose row this transaction has locked, so that counts arrive in order.
-- Writes: as broadcast. Events: bid_changed `{bid_id, status, conversations}`.
create or replace function private.announce_bid(p_bid_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_payload constant jsonb := (
    select jsonb_build_object(
      'bid_id', b.id,
      'status', b.status,
      'conversations',
      (select count(*) from private.conversations as c where c.bid_id = b.id)
    )
    from public.bids as b
    where b.id = p_bid_id
  );
begin
  perform private.broadcast(array['bid_changed'], array['bid:' || p_bid_id], array[v_payload]);
end;
$$;

grant execute on function private.create_bid(text, text, jsonb) to authenticated;
grant execute on function public.create_bid(text, text, jsonb) to authenticated;
grant execute on function private.close_bid(uuid) to authenticated;
grant execute on function public.close_bid(uuid) to authenticated;
