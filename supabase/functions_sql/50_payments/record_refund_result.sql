-- RPC: service only; records Razorpay's answer to a refund; returns `{outcome}`: refund_processed,
-- refund_pending, refund_failed, refund_mismatch, try_later, noop.
create or replace function public.record_refund_result(
  refund_id uuid,
  entity jsonb default null,
  error jsonb default null
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.record_refund_result(refund_id, entity, error);
$$;

-- Records Razorpay's answer to a refund that the app sent or asked about.
--
-- Args: our request; Razorpay's refund; or the failure, `{"kind": "refused" or "unavailable",
-- "reason"}`: the deal and operators are told of a refusal; any other failure is only retried.
-- Definer: the books are private.
-- Locks: the conversation, then the request. Writes: as private.take_refund, private.fail_refund
-- and private.conclude.
-- Errors: INPUT_INVALID (422) for an unknown request.
create or replace function private.record_refund_result(
  p_refund_id uuid,
  p_entity jsonb,
  p_error jsonb
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  c_failed constant text := 'The refund failed at the bank.';
  v_request private.refunds;
  v_order private.payment_orders;
  v_told private.payment_refunds;
  v_reason constant text := coalesce(p_error ->> 'reason', p_error #>> '{}');
begin
  select r.* into v_request from private.refunds as r where r.id = p_refund_id;
  if not found then
    perform private.raise_input_invalid('refund_id', 'known', 'There is no such refund.');
  end if;
  perform private.lock_conversation(v_request.conversation_id, null);
  select r.* into v_request from private.refunds as r where r.id = p_refund_id for update;
  select o.* into v_order
  from private.payments as p
  join private.payment_orders as o on o.id = p.payment_order_id
  where p.payment_id = v_request.payment_id;
  if p_entity is null then
    if v_request.status <> 'requested' then
      return jsonb_build_object('outcome', 'noop');
    end if;
    if coalesce(p_error ->> 'kind', 'refused') <> 'refused' then
      return jsonb_build_object('outcome', 'try_later');
    end if;
    perform private.fail_refund(v_request, v_reason);
    perform private.conclude(
      'refund_failed', v_order, v_request.payment_id, v_request.id::text, 'refunds', null,
      jsonb_build_object(
        'request_id', v_request.id, 'amount_minor', v_request.amount_minor, 'reason', v_reason
      )
    );
    return jsonb_build_object('outcome', 'refund_failed');
  end if;
  begin
    v_told := private.read_refund(p_entity);
  exception
    when data_exception then
      v_told := null;
  end;
  if (v_told.payment_id, v_told.amount_minor, v_told.currency)
    is distinct from (v_request.payment_id, v_request.amount_minor, v_request.currency) then
    perform private.conclude(
      'refund_mismatch', v_order, v_request.payment_id, v_request.id::text, 'refunds', null,
      jsonb_build_object('request_id', v_request.id, 'entity', p_entity - 'notes')
    );
    return jsonb_build_object('outcome', 'refund_mismatch');
  end if;
  v_told.request_id := v_request.id;
  return jsonb_build_object(
    'outcome', private.take_refund(v_order, v_told, c_failed, 'refunds', null)
  );
end;
$$;

grant execute on function
  public.record_refund_result(uuid, jsonb, jsonb),
  private.record_refund_result(uuid, jsonb, jsonb)
to service_role;
