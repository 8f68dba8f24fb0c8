-- Keeps what an action answered for a repeat of it, where the client has given it an id.
--
-- Writes: action_results.
create or replace function private.keep_result(
  p_call private.action_call,
  p_conversation_id uuid,
  p_result jsonb
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_call.client_action_id is not null then
    insert into private.action_results (
      user_id, client_action_id, conversation_id, request_hash, result
    )
    values (
      p_call.actor_id, p_call.client_action_id, p_conversation_id,
      private.hash_request(p_call.request), p_result
    );
  end if;
end;
$$;

revoke all on function private.keep_result(private.action_call, uuid, jsonb)
from public, anon, authenticated, service_role;
