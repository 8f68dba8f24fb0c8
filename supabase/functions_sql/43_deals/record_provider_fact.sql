-- Tells a deal what the payment provider said: payment_captured, payment_failed, payment_mismatch,
-- refund_processed, refund_failed, bank_dispute_opened, bank_dispute_lost.
--
-- For whoever has checked that the provider said it; the flow alone decides what follows. Captures
-- and mismatches take `{payment_id, amount_minor, currency}`, failures `{payment_id, reason}`,
-- refund_processed `{reference}`.
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: what private.operate writes.
-- Errors: CONVERSATION_NOT_FOUND (404), ACTION_UNKNOWN (422), CHAT_CLOSED (409), FLOW_STATE_INVALID
-- (409) where the deal does not wait for it, INPUT_INVALID (422) `{field, rule}`, GUARD_FAILED
-- (409) `{guard}`: "is_new_payment" for a payment that is known, "capture_matches" for one of
-- another amount or currency: tell that as payment_mismatch.
create or replace function private.record_provider_fact(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.operate(p_conversation_id, p_action, p_input, p_role => 'system');
end;
$$;

-- RPC: the service tells a fact of the provider; returns `{success, conversation_id, flow_update}`.
create or replace function public.record_provider_fact(
  conversation_id uuid,
  action text,
  input jsonb default '{}'
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.record_provider_fact(conversation_id, action, input);
$$;

revoke all on function private.record_provider_fact(uuid, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function private.record_provider_fact(uuid, text, jsonb) to service_role;
revoke all on function public.record_provider_fact(uuid, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.record_provider_fact(uuid, text, jsonb) to service_role;
