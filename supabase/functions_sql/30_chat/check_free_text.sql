-- Refuses free text where a conversation is not open for it.
--
-- Errors: BLOCKED (403) in both directions, CHAT_CLOSED (409), FLOW_STATE_INVALID (409)
-- `{current_state, required_state, awaiting_role, allowed_actions}`.
create or replace function private.check_free_text(
  p_conversation public.conversations,
  p_sender_id uuid
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if private.is_blocked(p_conversation.user_a, p_conversation.user_b) then
    perform private.raise_error(
      'BLOCKED', 'You cannot write to this user.', p_status => 403
    );
  end if;
  if p_conversation.chat_status = 'closed' then
    perform private.raise_chat_closed();
  end if;
  if p_conversation.chat_status <> 'real_time'
    and not private.takes_free_text(p_conversation) then
    perform private.raise_state_invalid(
      p_conversation, p_sender_id, private.role_in(p_conversation, p_sender_id),
      private.free_text_states(p_conversation.flow_id)
    );
  end if;
end;
$$;

revoke all on function private.check_free_text(public.conversations, uuid)
from public, anon, authenticated, service_role;
