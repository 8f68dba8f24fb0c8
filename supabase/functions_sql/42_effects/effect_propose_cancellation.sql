-- One side asks to cancel; what the deal was doing is remembered.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` for a refund of more than what is held.
create or replace function private.effect_propose_cancellation(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  perform private.check_refund(
    v_conversation, (p_step.input -> 'refund_amount_minor')::bigint
  );
  v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
    'cancellation', jsonb_strip_nulls(jsonb_build_object(
      'by', p_step.role,
      'refund_minor', p_step.input -> 'refund_amount_minor',
      'refund_amount', p_step.input -> 'refund_amount',
      'reason', p_step.input -> 'reason'
    )),
    'resume', private.pause_json(p_step)
  );
  return v_conversation;
end;
$$;

revoke all on function private.effect_propose_cancellation(private.flow_step)
from public, anon, authenticated, service_role;
