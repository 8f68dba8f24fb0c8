-- Ends the call because the flow has no row for what a step wants: nobody of its kind ever does
-- that, or not in this state, or only the other party does.
--
-- Errors: ACTION_UNKNOWN (422), CHAT_CLOSED (409), NOT_YOUR_TURN (409), FLOW_STATE_INVALID (409)
-- `{current_state, required_state, awaiting_role, allowed_actions}`.
create or replace function private.refuse_action(p_step private.flow_step)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation constant public.conversations := p_step.conversation;
  -- A party hears of what parties do; the system and operators, of what their own kind does.
  v_roles constant text[] := case
    when p_step.role in ('system', 'admin') then array[p_step.role]
    else array['influencer', 'brand_owner', 'member']
  end;
  v_required text[];
begin
  v_required := array(
    select t.from_state
    from private.flow_transitions as t
    join private.flow_states as s on s.flow_id = t.flow_id and s.state = t.from_state
    where t.flow_id = v_conversation.flow_id
      and t.action = p_step.action
      and t.role = any (v_roles)
      and t.from_state <> 'initial'
    group by t.from_state
    order by min(s.position)
  );
  if cardinality(v_required) = 0 then
    perform private.raise_error(
      'ACTION_UNKNOWN', 'There is no such action in this conversation.', p_status => 422,
      p_hint => 'Call get_available_actions to see what can be done now.'
    );
  end if;
  if v_conversation.chat_status = 'closed' and not exists (
    select from private.flow_transitions as t
    where t.flow_id = v_conversation.flow_id
      and t.from_state = v_conversation.flow_state
      and t.role = any (v_roles)
  ) then
    perform private.raise_chat_closed();
  end if;
  if v_conversation.flow_state = any (v_required) then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  perform private.raise_state_invalid(
    v_conversation, p_step.actor_id, p_step.role, v_required
  );
end;
$$;

revoke all on function private.refuse_action(private.flow_step)
from public, anon, authenticated, service_role;
