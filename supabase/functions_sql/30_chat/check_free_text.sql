-- Refuses free text where a conversation is not open for it.
--
-- Errors: CHAT_CLOSED (409), FLOW_STATE_INVALID (409) `{current_state, required_state,
-- awaiting_role, allowed_actions}`, BLOCKED (403) in both directions.
create or replace function private.check_free_text(p_conversation public.conversations)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_conversation.chat_status = 'closed' then
    perform private.raise_error(
      'CHAT_CLOSED', 'This conversation is closed.', p_status => 409
    );
  end if;
  if p_conversation.chat_status <> 'real_time' then
    perform private.raise_error(
      'FLOW_STATE_INVALID', 'Free chat opens when the deal is done.',
      jsonb_build_object(
        'current_state', p_conversation.flow_state,
        'required_state', 'real_time',
        'awaiting_role', p_conversation.awaiting_role,
        'allowed_actions', '[]'::jsonb
      ),
      p_status => 409
    );
  end if;
  if private.is_blocked(p_conversation.user_a, p_conversation.user_b) then
    perform private.raise_error(
      'BLOCKED', 'You cannot write to this user.', p_status => 403
    );
  end if;
end;
$$;

revoke all on function private.check_free_text(public.conversations)
from public, anon, authenticated, service_role;
