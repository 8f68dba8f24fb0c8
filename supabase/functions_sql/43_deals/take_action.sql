-- Does one thing in a conversation's flow: the way of every action, whatever its button looks like.
--
-- Args: action is one of get_available_actions; input has the fields of its schema; a repeat with
-- the same client_action_id gets the first answer, for 30 days; expected_version is the version of
-- the context that the user saw (null: any).
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: what private.begin_action and
-- private.finish_action write.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- IDEMPOTENCY_MISMATCH (409), VERSION_CONFLICT (409) `{version}` when the deal has moved on since
-- expected_version, ACTION_UNKNOWN (422), CHAT_CLOSED (409), FLOW_STATE_INVALID (409)
-- `{current_state, required_state, awaiting_role, allowed_actions}`, NOT_YOUR_TURN (409) when only
-- the other side may, INPUT_INVALID (422) `{field, rule}`, PRICE_UNPARSEABLE (422) `{understood}`,
-- PRICE_OUT_OF_RANGE (422) `{min, max}`, PRICE_CHANGED (409) `{price}`, NEGOTIATION_LIMIT (409),
-- REVISION_LIMIT (409), FUNDS_HELD (409), GUARD_FAILED (409) `{guard}`; this is also their order.
create or replace function private.take_action(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb,
  p_client_action_id uuid,
  p_expected_version bigint
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_call private.action_call;
begin
  v_call := private.begin_action(
    p_conversation_id,
    jsonb_build_object('action', p_action, 'input', coalesce(p_input, '{}')),
    p_client_action_id, p_expected_version
  );
  return coalesce(
    v_call.earlier,
    private.finish_action(
      v_call, p_action, p_input, private.describe_action(v_call.conversation, p_action)
    )
  );
end;
$$;

-- RPC: takes an action; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.take_action(
  conversation_id uuid,
  action text,
  input jsonb default '{}',
  client_action_id uuid default null,
  expected_version bigint default null
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.take_action(conversation_id, action, input, client_action_id, expected_version);
$$;

revoke all on function private.take_action(uuid, text, jsonb, uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;
revoke all on function public.take_action(uuid, text, jsonb, uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;
