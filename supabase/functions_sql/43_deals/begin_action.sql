-- Begins what a user does in a conversation: knows a repeat by its client_action_id, locks the
-- conversation, takes the steps that are due, and refuses what was decided on an older state.
--
-- Args: the conversation; what is asked, to compare a repeat with; the client's id of it; the
-- version that the user saw (null: any).
-- Locks: the user's limit on actions, then the conversation. Writes: rate_limits, and what
-- private.run_deadlines writes.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- IDEMPOTENCY_MISMATCH (409), VERSION_CONFLICT (409) `{version}`, INPUT_INVALID (422) for a request
-- that is larger than any honest one.
create or replace function private.begin_action(
  p_conversation_id uuid,
  p_request jsonb,
  p_client_action_id uuid,
  p_expected_version bigint default null
)
returns private.action_call
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_call private.action_call;
begin
  v_call.actor_id := private.require_user();
  perform private.check_json(p_request, 'input', 65536);
  -- Also makes one user's actions follow each other, so that a repeat finds its first try.
  perform private.limit_rate(v_call.actor_id, 'action');
  v_call.conversation := private.lock_conversation(p_conversation_id, v_call.actor_id);
  v_call.role := private.role_in(v_call.conversation, v_call.actor_id);
  v_call.request := p_request || jsonb_build_object('conversation_id', p_conversation_id);
  v_call.client_action_id := p_client_action_id;
  v_call.earlier := private.find_earlier_action(
    v_call.actor_id, p_client_action_id, v_call.request
  );
  if v_call.earlier is null then
    perform private.check_version(v_call.conversation, v_call.actor_id, p_expected_version);
    v_call.conversation := private.run_deadlines(v_call.conversation, p_is_trial => false);
  end if;
  return v_call;
end;
$$;

revoke all on function private.begin_action(uuid, jsonb, uuid, bigint)
from public, anon, authenticated, service_role;
