-- One side asks to cancel; what the deal was doing is remembered.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` for a refund of more than what is held.
create or replace function private.effect_propose_cancellation(p_step private.flow_step)
returns private.flow_step
language plpgsql
stable
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
  v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
    'cancellation', jsonb_strip_nulls(jsonb_build_object(
      'by', p_step.role,
      'refund_minor', p_step.input -> 'refund_amount_minor',
      'refund_amount', p_step.input -> 'refund_amount',
      'reason', p_step.input -> 'reason'
    )),
    'resume', jsonb_build_object(
      'state', (p_step.before).flow_state,
      'work_status', (p_step.before).work_status,
      'deadline_at', (p_step.before).deadline_at
    )
  );
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_propose_cancellation(private.flow_step)
from public, anon, authenticated, service_role;
