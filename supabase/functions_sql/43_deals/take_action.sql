-- Does one thing in a conversation's flow: the way of every action, whatever its button looks like.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: what private.begin_action and
-- private.finish_action write.
-- Errors: those of private.begin_action and private.find_transition.
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
