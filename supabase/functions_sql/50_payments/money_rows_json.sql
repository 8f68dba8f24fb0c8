-- All rows about a conversation's money, oldest first, without raw bodies: `{ledger, orders,
-- payments, refund_requests, refunds, disputes, events, payouts, alerts, audit}`.
create or replace function private.money_rows_json(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'ledger', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'conversation_id' order by e.id), '[]')
      from private.escrow_ledger as e where e.conversation_id = p_conversation_id
    ),
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'conversation_id' order by o.created_at), '[]')
      from private.payment_orders as o where o.conversation_id = p_conversation_id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) order by p.created_at), '[]')
      from private.payments as p
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'refund_requests', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'conversation_id' order by r.requested_at), '[]')
      from private.refunds as r where r.conversation_id = p_conversation_id
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(k) order by k.created_at), '[]')
      from private.payment_refunds as k
      join private.payments as p on p.payment_id = k.payment_id
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'disputes', (
      select coalesce(jsonb_agg(to_jsonb(d) order by d.created_at), '[]')
      from private.payment_disputes as d
      join private.payments as p on p.payment_id = d.payment_id
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'events', (
      select coalesce(
        jsonb_agg(to_jsonb(e) - array['body', 'sha256', 'conversation_id'] order by e.id), '[]'
      )
      from private.payment_events as e
      -- Two questions, each with an index: "or" would read the whole table.
      where e.id in (
        select own.id from private.payment_events as own
        where own.conversation_id = p_conversation_id
        union
        select told.id
        from private.payment_orders as o
        join private.payment_events as told on told.razorpay_order_id = o.razorpay_order_id
        where o.conversation_id = p_conversation_id
      )
    ),
    'payouts', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'conversation_id' order by p.created_at), '[]')
      from private.payouts as p where p.conversation_id = p_conversation_id
    ),
    'alerts', (
      select coalesce(jsonb_agg(to_jsonb(a) - 'conversation_id' order by a.id), '[]')
      from private.alerts as a where a.conversation_id = p_conversation_id
    ),
    'audit', (
      select coalesce(jsonb_agg(to_jsonb(a) - 'conversation_id' order by a.id), '[]')
      from private.payment_audit as a where a.conversation_id = p_conversation_id
    )
  );
end;
$$;

revoke all on function private.money_rows_json(uuid) from public, anon, authenticated, service_role;
