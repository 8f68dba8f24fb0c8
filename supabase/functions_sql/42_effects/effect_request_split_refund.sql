-- The part that the operator decided on is to go back to the brand owner.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` when it is more than what is held. Writes: refunds.
create or replace function private.effect_request_split_refund(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_refund constant bigint := (p_step.input -> 'refund_amount_minor')::bigint;
begin
  perform private.check_refund(p_step.conversation, v_refund);
  return private.ask_refund(p_step, v_refund);
end;
$$;

revoke all on function private.effect_request_split_refund(private.flow_step)
from public, anon, authenticated, service_role;
