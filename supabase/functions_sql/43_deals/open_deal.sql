-- Opening a deal, for the three RPCs that do it.

-- Begins a call that opens a deal: checks the user's role, and recognizes a repeat by its
-- client_action_id.
--
-- Locks: the user's account, then the limit on actions. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), RATE_LIMITED (429),
-- IDEMPOTENCY_MISMATCH (409).
create or replace function private.begin_deal(p_role text, p_client_action_id uuid, p_request jsonb)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
begin
  v_step.actor_id := private.require_role(p_role);
  v_step.role := p_role;
  -- A block waits for this lock, so it either came before or sees the deal.
  perform private.lock_account(v_step.actor_id);
  perform private.limit_rate(v_step.actor_id, 'action');
  return private.find_repeat(v_step, p_request, p_client_action_id);
end;
$$;

-- The open deal that two people already have on a bid or campaign, after its due steps; null when
-- they have none.
--
-- Call it under the lock of the bid or campaign, so that two calls at once make one deal.
-- Args: a conversation with kind, subject and roles. Locks: the deal.
-- Writes: as private.run_deadlines.
create or replace function private.find_open_deal(p_deal private.conversations)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
begin
  select c.* into v_conversation
  from private.conversations as c
  where (
    c.bid_id = p_deal.bid_id and c.brand_owner_id = p_deal.brand_owner_id
    or c.campaign_id = p_deal.campaign_id and c.influencer_id = p_deal.influencer_id
  )
  and c.chat_status <> 'closed'
  for no key update;
  if not found then
    return null;
  end if;
  v_conversation := private.run_deadlines(v_conversation, p_is_trial => false);
  return case when v_conversation.chat_status <> 'closed' then v_conversation end;
end;
$$;

-- Opens a deal: the conversation, its two members, and the first step of its flow.
--
-- Args: the step as begin_deal returned it; the deal with kind, subject, roles and flow_data; the
-- action that opens it. Returns the action result. Locks: the user's limit on deals. Writes:
-- rate_limits, and as private.found_conversation and private.answer_step.
-- Errors: BLOCKED (403), RATE_LIMITED (429).
create or replace function private.open_deal(
  p_step private.flow_step,
  p_deal private.conversations,
  p_action text
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_deal;
  v_step private.flow_step;
begin
  if private.is_blocked(p_deal.brand_owner_id, p_deal.influencer_id) then
    perform private.raise_error(
      'BLOCKED', 'You cannot make a deal with this user.', p_status => 403
    );
  end if;
  perform private.limit_rate(p_step.actor_id, 'deal');
  v_deal.user_a := least(v_deal.brand_owner_id, v_deal.influencer_id);
  v_deal.user_b := greatest(v_deal.brand_owner_id, v_deal.influencer_id);
  v_step := private.found_conversation(
    v_deal, p_step.actor_id, p_step.role, p_action,
    jsonb_build_object('event', 'button_action', 'button_id', p_action)
  );
  if p_deal.kind = 'bid' then
    perform private.announce_bid(p_deal.bid_id);
  else
    perform private.announce_campaign(p_deal.campaign_id);
  end if;
  v_step.client_action_id := p_step.client_action_id;
  v_step.request_hash := p_step.request_hash;
  return private.answer_step(v_step, p_is_created => true);
end;
$$;

-- Creates a conversation with its two members and takes the first step of the published flow of its
-- kind; the conversation stays on that version. Null when two people have their direct chat
-- already.
--
-- Args: the conversation with kind, members, subject, roles and flow_data; the opener, the role and
-- the action; the event for the opener's other devices, as for announce_step.
-- Writes: conversations, participants, and as private.advance_conversation.
-- Errors: none; the first move of a flow has no guard.
create or replace function private.found_conversation(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text,
  p_action text,
  p_event jsonb default null
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_conversation private.conversations;
  -- Only a deal has books.
  v_nothing constant bigint := case when p_conversation.kind <> 'direct' then 0 end;
  -- The opening line of a direct chat is unread for neither member.
  v_read_seq constant bigint := case p_conversation.kind when 'direct' then 1 else 0 end;
begin
  insert into private.conversations (
    kind, user_a, user_b, brand_owner_id, influencer_id, bid_id, campaign_id, request_id,
    flow_id, flow_state, flow_data, captured_minor, held_minor, released_minor, fee_minor,
    refunded_minor, charged_back_minor
  )
  values (
    p_conversation.kind, p_conversation.user_a, p_conversation.user_b,
    p_conversation.brand_owner_id, p_conversation.influencer_id, p_conversation.bid_id,
    p_conversation.campaign_id, p_conversation.request_id,
    (
      select f.id from private.flow_definitions as f
      where f.kind = p_conversation.kind and f.status = 'published'
    ),
    'initial', coalesce(p_conversation.flow_data, '{}'), v_nothing, v_nothing, v_nothing,
    v_nothing, v_nothing, v_nothing
  )
  on conflict (user_a, user_b) where kind = 'direct' do nothing
  returning * into v_conversation;
  if not found then
    return null;
  end if;
  insert into private.participants (
    conversation_id, user_id, role, read_seq, delivered_seq, shares_read_receipts
  )
  select
    v_conversation.id, member.id, private.role_in(v_conversation, member.id), v_read_seq,
    v_read_seq,
    coalesce(
      (select a.shares_read_receipts from private.accounts as a where a.user_id = member.id), true
    )
  from unnest(array[p_conversation.user_a, p_conversation.user_b]) as member (id);

  v_step.conversation := v_conversation;
  v_step.actor_id := p_actor_id;
  v_step.role := p_role;
  v_step.action := p_action;
  v_step.input := '{}';
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  return private.advance_conversation(v_step, p_event);
end;
$$;

-- The answer when the deal is open already: the deal as it is, with `created: false`.
--
-- Writes: as private.answer_step.
create or replace function private.answer_existing(p_step private.flow_step)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
begin
  v_step.from_state := (p_step.conversation).flow_state;
  v_step.path := '{}';
  v_step.messages := '{}';
  return private.answer_step(v_step, p_is_created => false);
end;
$$;
