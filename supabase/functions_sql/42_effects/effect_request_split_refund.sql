-- The part that the operator decided on is to go back to the brand owner.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` when it is more than what is held. Writes: refunds.
create or replace function private.effect_request_split_refund(p_step private.flow_step)
returns private.flow_step
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  perform private.check_refund(
    v_conversation, (p_step.input -> 'refund_amount_minor')::bigint
  );
  v_conversation := private.ask_refund(
    v_step, (p_step.input -> 'refund_amount_minor')::bigint
  );
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_request_split_refund(private.flow_step)
from public, anon, authenticated, service_role;
