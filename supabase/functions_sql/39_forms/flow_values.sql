-- What the messages of a step may name in braces: the values of private.deal_values, the flow's
-- rules, what was typed with the action, who acts on whom, and what it is about.
create or replace function private.flow_values(p_step private.flow_step)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation constant public.conversations := p_step.conversation;
  -- A login that was deleted.
  c_nameless constant text := 'The other side';
  v_is_a constant boolean := p_step.actor_id = v_conversation.user_a;
begin
  return (
    select coalesce(f.rules, '{}') || v.deal || p_step.input || jsonb_build_object(
      'influencer', case v_conversation.influencer_id when a.id then name_a else name_b end,
      'brand_owner', case v_conversation.brand_owner_id when a.id then name_a else name_b end,
      'actor', case when v_is_a then name_a when not v_is_a then name_b end,
      'other', case when v_is_a then name_b when not v_is_a then name_a end,
      'role', p_step.role,
      'subject', coalesce(bid.title, campaign.title),
      'reason_hint', ' Reason: ' || (p_step.input ->> 'reason'),
      'feedback_hint', e'\n' || (p_step.input ->> 'feedback'),
      'description_hint', e'\n' || (p_step.input ->> 'description'),
      'notes_hint', e'\n' || (p_step.input ->> 'submission_notes')
    )
    from private.deal_values(v_conversation) as v (deal)
    left join private.flow_definitions as f on f.id = v_conversation.flow_id
    left join public.users as a on a.id = v_conversation.user_a
    left join public.users as b on b.id = v_conversation.user_b
    cross join lateral (
      select coalesce(a.display_name, c_nameless), coalesce(b.display_name, c_nameless)
    ) as named (name_a, name_b)
    left join public.bids as bid on bid.id = v_conversation.bid_id
    left join public.campaigns as campaign on campaign.id = v_conversation.campaign_id
  );
end;
$$;

revoke all on function private.flow_values(private.flow_step)
from public, anon, authenticated, service_role;
