-- A brand owner connects to a bid: a deal with the bid's influencer begins.
--
-- An open deal of the two on this bid is the answer (`created: false`). A given influencer must be
-- the bid's owner. proposed_amount, in rupees, binds nobody: a number or a text.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account, the influencer's (key share), the bid, then their open deal. Writes:
-- rate_limits, and as private.open_deal and private.answer_step.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), BID_NOT_FOUND (404),
-- BID_OWNER_MISMATCH (409), BID_CLOSED (409), BLOCKED (403), IDEMPOTENCY_MISMATCH (409),
-- INPUT_INVALID (422), PRICE_UNPARSEABLE (422), PRICE_OUT_OF_RANGE (422), RATE_LIMITED (429).
create or replace function private.connect_bid(
  p_bid_id uuid,
  p_proposed_amount jsonb,
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
  v_proposed_minor constant bigint := private.read_amount(p_proposed_amount, 'proposed_amount');
  v_bid public.bids;
  v_deal private.conversations;
begin
  v_step := private.begin_deal(
    'brand_owner', p_client_action_id,
    jsonb_build_object(
      'bid_id', p_bid_id, 'proposed_amount', p_proposed_amount, 'influencer_id', p_influencer_id
    )
  );
  if v_step.earlier is not null then
    return v_step.earlier;
  end if;
  perform private.lock_peer((select b.influencer_id from public.bids as b where b.id = p_bid_id));
  select b.* into v_bid from public.bids as b where b.id = p_bid_id for no key update;
  if not found then
    perform private.raise_error('BID_NOT_FOUND', 'There is no such bid.', p_status => 404);
  end if;
  if v_bid.influencer_id <> p_influencer_id then
    perform private.raise_error(
      'BID_OWNER_MISMATCH', 'This bid is another influencer''s.', p_status => 409
    );
  end if;

  v_deal.kind := 'bid';
  v_deal.bid_id := v_bid.id;
  v_deal.brand_owner_id := v_step.actor_id;
  v_deal.influencer_id := v_bid.influencer_id;
  v_deal.flow_data := jsonb_strip_nulls(
    private.money_json('proposed_amount', 'proposed_minor', v_proposed_minor)
  );
  v_step.conversation := private.find_open_deal(v_deal);
  if (v_step.conversation).id is not null then
    return private.answer_existing(v_step);
  end if;
  if v_bid.status <> 'open' then
    perform private.raise_error('BID_CLOSED', 'This bid is closed.', p_status => 409);
  end if;
  return private.open_deal(v_step, v_deal, 'connect_bid');
end;
$$;

-- RPC: connects to a bid; returns `{success, created, conversation, messages, actions,
-- flow_update}`.
create or replace function public.connect_bid(
  bid_id uuid,
  proposed_amount jsonb default null,
  influencer_id uuid default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.connect_bid(bid_id, proposed_amount, influencer_id, client_action_id);
$$;

grant execute on function private.connect_bid(uuid, jsonb, uuid, uuid) to authenticated;
grant execute on function public.connect_bid(uuid, jsonb, uuid, uuid) to authenticated;
