-- Refusals of a step: the flow has no row for it, or another actor must take it. A taken step runs
-- none of this.

-- Ends the call because the flow has no row for a step: no actor of this kind ever takes the
-- action, or not in this state, or only the other party takes it.
--
-- Errors: ACTION_UNKNOWN (422), CHAT_CLOSED (409), NOT_YOUR_TURN (409), FLOW_STATE_INVALID (409)
-- `{current_state, action, required_state, awaiting_role, allowed_actions}`.
create or replace function private.refuse_action(p_step private.flow_step)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  -- A party gets the actions of parties; the system and operators get those of their own kind.
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
  -- Closed for good: no row leads out again, though it may still be rated.
  if v_conversation.chat_status = 'closed' and not exists (
    select from private.flow_transitions as t
    where t.flow_id = v_conversation.flow_id
      and t.from_state = v_conversation.flow_state
      and t.role = any (v_roles)
      and (t.to_state <> t.from_state or t.role = 'system')
  ) then
    perform private.raise_chat_closed();
  end if;
  if v_conversation.flow_state = any (v_required) then
    perform private.raise_not_your_turn(v_conversation, p_step.action);
  end if;
  perform private.raise_state_invalid(
    v_conversation, p_step.actor_id, p_step.role, v_required, p_step.action
  );
end;
$$;

-- Ends the call because a guard about the turn does not hold: it is the other party's turn, or no
-- party's.
--
-- Errors: NOT_YOUR_TURN (409), GUARD_FAILED (409) `{guard, current_state, action}`.
create or replace function private.refuse_turn(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_guard text
)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_other private.flow_step := p_step;
begin
  v_other.role := private.other_role(p_step.role);
  if private.failed_guards(v_other, array[p_guard], p_row.to_state) = '{}' then
    perform private.raise_not_your_turn(p_step.conversation, p_step.action);
  end if;
  perform private.refuse_guard(p_step, p_guard);
end;
$$;

-- Ends the call because a conversation is closed.
--
-- Errors: CHAT_CLOSED (409).
create or replace function private.raise_chat_closed()
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error('CHAT_CLOSED', 'This conversation is closed.', p_status => 409);
end;
$$;

-- Ends the call because the action is the other party's.
--
-- Errors: NOT_YOUR_TURN (409) `{current_state, action, awaiting_role}`; action is null for a text.
create or replace function private.raise_not_your_turn(
  p_conversation private.conversations,
  p_action text default null
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform private.raise_error(
    'NOT_YOUR_TURN', 'This is for the other side to do.',
    jsonb_build_object(
      'current_state', p_conversation.flow_state,
      'action', p_action,
      'awaiting_role', p_conversation.awaiting_role
    ),
    p_status => 409, p_hint => 'Wait for conversation_state_changed.'
  );
end;
$$;

-- Ends the call because a conversation is in another state than the request needs.
--
-- Args: the conversation; the caller and the role; the states that allow it (a single one as text,
-- which older clients expect); the action, null for a text.
-- Errors: FLOW_STATE_INVALID (409) `{current_state, action, required_state, awaiting_role,
-- allowed_actions}`.
create or replace function private.raise_state_invalid(
  p_conversation private.conversations,
  p_actor_id uuid,
  p_role text,
  p_required text[],
  p_action text default null
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform private.raise_error(
    'FLOW_STATE_INVALID',
    format('This cannot be done in the state "%s".', p_conversation.flow_state),
    jsonb_build_object(
      'current_state', p_conversation.flow_state,
      'action', p_action,
      'required_state', case
        when cardinality(p_required) = 1 then to_jsonb(p_required[1])
        else to_jsonb(p_required)
      end,
      'awaiting_role', p_conversation.awaiting_role,
      'allowed_actions', jsonb_path_query_array(
        to_jsonb(private.open_actions(p_conversation, p_actor_id, p_role)), '$[*].action'
      )
    ),
    p_status => 409, p_hint => 'Call get_available_actions to see what can be done now.'
  );
end;
$$;

-- The states of a flow that are open for free text, in order.
create or replace function private.free_text_states(p_flow_id bigint)
returns text[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select s.state
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.free_text
    order by s.position
  );
end;
$$;
