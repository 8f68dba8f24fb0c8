-- Notes that the caller has received a conversation up to a message, or all of it.
--
-- Definer: clients have no write grant on any table.
-- Locks, writes: the caller's row of the conversation.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.mark_delivered(p_conversation_id uuid, p_up_to_seq bigint)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_everything constant bigint := 9223372036854775807;
begin
  return private.mark_receipts(p_conversation_id, 0, coalesce(p_up_to_seq, c_everything));
end;
$$;

-- RPC: marks messages as delivered, forward only; returns
-- `{read_seq, delivered_seq, unread_count}`.
create or replace function public.mark_delivered(
  conversation_id uuid,
  up_to_seq bigint default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.mark_delivered(conversation_id, up_to_seq);
$$;

revoke all on function private.mark_delivered(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function private.mark_delivered(uuid, bigint) to authenticated;
revoke all on function public.mark_delivered(uuid, bigint)
from public, anon, authenticated, service_role;
grant execute on function public.mark_delivered(uuid, bigint) to authenticated;
