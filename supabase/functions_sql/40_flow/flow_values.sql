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
  v_names jsonb;
begin
  select jsonb_object_agg(p.role, coalesce(u.display_name, 'The other side')) into v_names
  from (
    values
      ('influencer', v_conversation.influencer_id),
      ('brand_owner', v_conversation.brand_owner_id),
      ('actor', p_step.actor_id),
      (
        'other',
        case p_step.actor_id
          when v_conversation.user_a then v_conversation.user_b
          when v_conversation.user_b then v_conversation.user_a
        end
      )
  ) as p (role, user_id)
  join public.users as u on u.id = p.user_id;
  return (select f.rules from private.flow_definitions as f where f.id = v_conversation.flow_id)
    || private.deal_values(v_conversation)
    || p_step.input
    || coalesce(v_names, '{}')
    || jsonb_build_object(
      'role', p_step.role,
      'subject', coalesce(
        (select b.title from public.bids as b where b.id = v_conversation.bid_id),
        (select c.title from public.campaigns as c where c.id = v_conversation.campaign_id)
      ),
      'reason_hint', ' Reason: ' || (p_step.input ->> 'reason'),
      'feedback_hint', e'\n' || (p_step.input ->> 'feedback'),
      'description_hint', e'\n' || (p_step.input ->> 'description'),
      'notes_hint', e'\n' || (p_step.input ->> 'submission_notes')
    );
end;
$$;

revoke all on function private.flow_values(private.flow_step)
from public, anon, authenticated, service_role;
