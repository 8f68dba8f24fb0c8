-- RPC: operators end the return of a payment; returns `{id, status}`.
create or replace function public.mark_payment_returned(refund_id uuid, reference text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.mark_payment_returned(refund_id, reference);
$$;

-- Records that an operator has sent back a payment that no deal waited for, without the gateway;
-- reference proves it. mark_refunded_manually does it for the refund of a deal.
--
-- Args: the request, of refund_requests in diagnose_conversation; the proof.
-- Definer: the books are private.
-- Locks: the conversation, then the request. Writes: payment_audit, and as private.settle_bounce.
-- Errors: FORBIDDEN (403), also for an operator who is a member of the deal; INPUT_INVALID (422)
-- without a reference, or for a request that is unknown, of another kind or done.
create or replace function private.mark_payment_returned(p_refund_id uuid, p_reference text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reference text;
  v_request private.refunds;
begin
  perform private.require_operator();
  v_reference := private.require_text(p_reference, 'reference', 200);
  perform private.refuse_own(
    (select r.conversation_id from private.refunds as r where r.id = p_refund_id)
  );
  perform 1 from private.conversations as c
  where c.id = (select r.conversation_id from private.refunds as r where r.id = p_refund_id)
  for no key update;
  select r.* into v_request
  from private.refunds as r
  where r.id = p_refund_id and r.kind = 'bounce' and r.status = 'requested'
  for update;
  if not found then
    perform private.raise_input_invalid(
      'refund_id', 'requested', 'There is no such payment to be sent back.'
    );
  end if;
  perform private.settle_bounce(v_request, v_reference);
  insert into private.payment_audit (actor, action, conversation_id, details)
  values (
    'operator:' || coalesce(auth.uid()::text, 'service'), 'payment_returned',
    v_request.conversation_id,
    jsonb_build_object(
      'payment_id', v_request.payment_id, 'amount_minor', v_request.amount_minor,
      'reference', v_reference
    )
  );
  return jsonb_build_object('id', v_request.id, 'status', 'processed');
end;
$$;

grant execute on function
  public.mark_payment_returned(uuid, text),
  private.mark_payment_returned(uuid, text)
to authenticated, service_role;
