-- Records that an operator has sent a refund by another way than the gateway; reference proves it.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422), CHAT_CLOSED (409),
-- FLOW_STATE_INVALID (409).
create or replace function private.mark_refunded_manually(
  p_conversation_id uuid,
  p_reference text,
  p_note text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return private.operate(
    p_conversation_id, 'mark_refunded_manually',
    jsonb_strip_nulls(jsonb_build_object('reference', p_reference, 'note', p_note))
  );
end;
$$;

-- RPC: operators end a refund; returns `{success, conversation_id, flow_update}`.
create or replace function public.mark_refunded_manually(
  conversation_id uuid,
  reference text,
  note text default null
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.mark_refunded_manually(conversation_id, reference, note);
$$;

grant execute on function private.mark_refunded_manually(uuid, text, text)
to authenticated, service_role;
grant execute on function public.mark_refunded_manually(uuid, text, text)
to authenticated, service_role;
