-- Whether a conversation's history stands as it was written.
--
-- Definer: salts are private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.verify_conversation(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_history_reader(p_conversation_id);
  return private.check_history(p_conversation_id);
end;
$$;

-- RPC: proves that a conversation's history is whole, for its members and operators; returns
-- `{valid, events, scrubbed, broken_at, head_hash}`. Keep head_hash to know later that the history
-- up to there is still the same.
create or replace function public.verify_conversation(conversation_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.verify_conversation(conversation_id);
$$;

revoke all on function private.verify_conversation(uuid)
from public, anon, authenticated, service_role;
grant execute on function private.verify_conversation(uuid) to authenticated, service_role;
revoke all on function public.verify_conversation(uuid)
from public, anon, authenticated, service_role;
grant execute on function public.verify_conversation(uuid) to authenticated, service_role;
