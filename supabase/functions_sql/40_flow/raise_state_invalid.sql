-- Ends the call because a conversation is in another state than what was asked for needs.
--
-- Args: the conversation; who asked, and in which role; the states in which it could be done, a
-- single one as text, as the first clients know it.
-- Errors: FLOW_STATE_INVALID (409) `{current_state, required_state, awaiting_role,
-- allowed_actions}`.
create or replace function private.raise_state_invalid(
  p_conversation public.conversations,
  p_actor_id uuid,
  p_role text,
  p_required text[]
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'FLOW_STATE_INVALID',
    format('This cannot be done in the state "%s".', p_conversation.flow_state),
    jsonb_build_object(
      'current_state', p_conversation.flow_state,
      'required_state', case
        when cardinality(p_required) = 1 then to_jsonb(p_required[1])
        else to_jsonb(p_required)
      end,
      'awaiting_role', p_conversation.awaiting_role,
      'allowed_actions', (
        select coalesce(jsonb_agg(a.action order by a.position), '[]')
        from private.open_actions(p_conversation, p_actor_id, p_role) as a
      )
    ),
    p_status => 409, p_hint => 'Call get_available_actions to see what can be done now.'
  );
end;
$$;

revoke all on function private.raise_state_invalid(public.conversations, uuid, text, text[])
from public, anon, authenticated, service_role;
