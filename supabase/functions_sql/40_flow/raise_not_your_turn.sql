-- Ends the call because what was asked for is the other party's to do.
--
-- Errors: NOT_YOUR_TURN (409) `{current_state, awaiting_role}`.
create or replace function private.raise_not_your_turn(p_conversation public.conversations)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'NOT_YOUR_TURN', 'This is for the other side to do.',
    jsonb_build_object(
      'current_state', p_conversation.flow_state,
      'awaiting_role', p_conversation.awaiting_role
    ),
    p_status => 409, p_hint => 'Wait for conversation_state_changed.'
  );
end;
$$;

revoke all on function private.raise_not_your_turn(public.conversations)
from public, anon, authenticated, service_role;
