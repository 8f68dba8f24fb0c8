-- RPC: service only; claims the next question to Razorpay; returns `{claimed, payment_order_id,
-- receipt, razorpay_order_id, order_status, flow_state, retry_after}`; retry_after in seconds.
create or replace function public.claim_payment_poll(
  conversation_id uuid,
  user_id uuid,
  min_gap_seconds integer default 20
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.claim_payment_poll(conversation_id, user_id, min_gap_seconds);
$$;

-- Returns the order to ask Razorpay about for a conversation, and stops others from asking soon
-- after.
--
-- A paid order needs no question. Razorpay answers for 180 days, so an older order gets none.
-- Args: the conversation; the member who asks; the least seconds since the last question (null:
-- return the order and claim nothing).
-- Definer: orders are private.
-- Locks: the order. Writes: payment_orders.
-- Errors: CONVERSATION_NOT_FOUND (404), also for another user's and for a login that is gone.
-- Source of the 180 days: https://razorpay.com/docs/api/orders/fetch-with-id
create or replace function private.claim_payment_poll(
  p_conversation_id uuid,
  p_user_id uuid,
  p_min_gap_seconds integer
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  c_horizon constant interval := interval '180 days';
  v_gap constant interval := make_interval(secs => greatest(p_min_gap_seconds, 1));
  v_conversation private.conversations;
  v_order private.payment_orders;
  v_may_be_asked boolean;
  v_claimed boolean := false;
begin
  v_conversation := private.as_of_now(private.read_conversation(
    p_conversation_id, (select a.user_id from private.accounts as a where a.user_id = p_user_id)
  ));
  select o.* into v_order
  from private.payment_orders as o
  where o.conversation_id = p_conversation_id
  order by o.status = 'open' desc, o.created_at desc
  limit 1
  for update;
  v_may_be_asked := v_order.status <> 'paid' and v_order.created_at > now() - c_horizon;
  if v_may_be_asked
    and p_min_gap_seconds is not null
    and coalesce(v_order.polled_at <= clock_timestamp() - v_gap, true) then
    update private.payment_orders as o set polled_at = clock_timestamp() where o.id = v_order.id;
    v_claimed := true;
  end if;
  return jsonb_build_object(
    'claimed', v_claimed,
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'razorpay_order_id', v_order.razorpay_order_id,
    'order_status', v_order.status,
    'flow_state', v_conversation.flow_state,
    'retry_after', case
      when v_may_be_asked and not v_claimed then greatest(
        ceil(extract(epoch from v_order.polled_at + v_gap - clock_timestamp())), 1
      )
    end
  );
end;
$$;

grant execute on function
  public.claim_payment_poll(uuid, uuid, integer),
  private.claim_payment_poll(uuid, uuid, integer)
to service_role;
