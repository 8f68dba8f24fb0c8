-- The open deal that two people already have on a bid or campaign, with nothing due; null when they
-- have none.
--
-- Call it under the lock of the bid or campaign, so that two at once make one.
-- Args: a conversation with kind, subject and roles. Locks: the deal.
-- Writes: what private.run_deadlines writes.
create or replace function private.find_open_deal(p_deal public.conversations)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
begin
  select c.* into v_conversation
  from public.conversations as c
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

revoke all on function private.find_open_deal(public.conversations)
from public, anon, authenticated, service_role;
