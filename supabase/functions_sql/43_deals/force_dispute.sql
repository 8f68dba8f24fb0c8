-- An operator stops a deal that holds money, to decide about it with resolve_dispute; both sides
-- read the reason.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), CHAT_CLOSED (409), FLOW_STATE_INVALID
-- (409).
create or replace function private.force_dispute(p_conversation_id uuid, p_reason text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return private.operate(
    p_conversation_id, 'force_dispute',
    jsonb_strip_nulls(jsonb_build_object('reason', p_reason))
  );
end;
$$;

-- RPC: operators stop a deal; returns `{success, conversation_id, flow_update}`.
create or replace function public.force_dispute(conversation_id uuid, reason text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.force_dispute(conversation_id, reason);
$$;

grant execute on function private.force_dispute(uuid, text) to authenticated, service_role;
grant execute on function public.force_dispute(uuid, text) to authenticated, service_role;
