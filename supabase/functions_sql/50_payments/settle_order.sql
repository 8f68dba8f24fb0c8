-- Decides about all money that came in for an order and is in no book yet: the one way from a
-- payment to a deal, for webhooks and polls alike.
--
-- Args: the order, locked with its conversation; the order as Razorpay told of it; who acts; the
-- event.
-- Returns the gravest verdict; noop when there was nothing to decide.
-- Writes: what private.run_deadlines and private.settle_payment write.
create or replace function private.settle_order(
  p_order private.payment_orders,
  p_told private.provider_order,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_payment private.payments;
  v_order private.payment_orders := p_order;
  v_next private.payment_verdict;
  v_verdict private.payment_verdict;
begin
  for v_payment in
    select p.*
    from private.payments as p
    where p.payment_order_id = p_order.id
      and p.captured_at is not null
      and not exists (
        select from private.escrow_ledger as e
        where e.from_account = 'gateway' and e.payment_id = p.payment_id
      )
    -- What went back already must not end the order before what pays it.
    order by p.refunded_minor >= p.amount_minor, p.captured_at, p.payment_id
  loop
    v_next := private.settle_payment(
      private.run_deadlines(
        private.lock_conversation(p_order.conversation_id, null), p_is_trial => false
      ),
      v_order, v_payment, p_told, p_actor, p_event_row_id
    );
    if v_verdict.outcome is null or v_verdict.outcome in ('noop', 'applied') then
      v_verdict := v_next;
    end if;
    select o.* into v_order from private.payment_orders as o where o.id = p_order.id;
  end loop;
  return coalesce(
    v_verdict,
    private.conclude('noop', p_order, null, null, p_actor, p_event_row_id, '{}')
  );
end;
$$;

revoke all on function private.settle_order(
  private.payment_orders, private.provider_order, text, bigint
) from public, anon, authenticated, service_role;
