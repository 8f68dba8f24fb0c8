-- Takes the caller's bid off the market: nobody can connect to it anymore.
--
-- Conversations that it led to go on. A second call answers the same.
-- Definer: clients have no write grant on any table.
-- Locks: the bid, so that a connection either came before or finds it closed.
-- Writes: bids, and what announce_bid writes.
-- Errors: AUTH_REQUIRED (401), BID_NOT_FOUND (404) also for somebody else's.
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

-- RPC: takes an own bid off the market; its conversations go on; returns the bid.
create or replace function public.close_bid(bid_id uuid)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.close_bid(bid_id);
$$;

revoke all on function private.close_bid(uuid) from public, anon, authenticated, service_role;
grant execute on function private.close_bid(uuid) to authenticated;
revoke all on function public.close_bid(uuid) from public, anon, authenticated, service_role;
grant execute on function public.close_bid(uuid) to authenticated;
