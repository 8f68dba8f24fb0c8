-- Opens a deal: the conversation, its two members, and the first step of its flow.
--
-- Args: the call; the deal with kind, subject, roles and flow_data; the action that opens it.
-- Returns the action result. Locks: the user's limit on deals. Writes: rate_limits, and what
-- private.found_conversation and private.answer_action write.
-- Errors: BLOCKED (403), RATE_LIMITED (429).
create or replace function private.open_deal(
  p_call private.action_call,
  p_deal public.conversations,
  p_action text
)
returns jsonb
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_deal public.conversations := p_deal;
  v_outcome private.flow_outcome;
begin
  if private.is_blocked(p_deal.brand_owner_id, p_deal.influencer_id) then
    perform private.raise_error(
      'BLOCKED', 'You cannot make a deal with this user.', p_status => 403
    );
  end if;
  perform private.limit_rate(p_call.actor_id, 'deal');
  v_deal.user_a := least(v_deal.brand_owner_id, v_deal.influencer_id);
  v_deal.user_b := greatest(v_deal.brand_owner_id, v_deal.influencer_id);
  v_outcome := private.found_conversation(v_deal, p_call.actor_id, p_call.role, p_action);
  if p_deal.kind = 'bid' then
    perform private.announce_bid(p_deal.bid_id);
  else
    perform private.announce_campaign(p_deal.campaign_id);
  end if;
  return private.answer_action(
    p_call, v_outcome,
    jsonb_build_object('event', 'button_action', 'button_id', p_action), p_created => true
  );
end;
$$;

revoke all on function private.open_deal(private.action_call, public.conversations, text)
from public, anon, authenticated, service_role;
