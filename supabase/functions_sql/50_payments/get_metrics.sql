-- The numbers that a monitor watches.
--
-- Definer: the books are private.
-- Errors: FORBIDDEN (403).
create or replace function private.get_metrics()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return (
    select jsonb_build_object(
      'open_alerts', private.count_alerts(),
      'events', private.count_events(),
      'events_stuck', (
        select count(*) from private.payment_events as e
        where e.status = 'received' and e.received_at < now() - interval '5 minutes'
      ),
      'refunds_requested', refunds.count,
      'refunds_oldest_seconds', refunds.oldest_seconds,
      'pending_payments', pending.count,
      'oldest_pending_payment_seconds', pending.oldest_seconds,
      'payouts_owed', owed.count,
      'payouts_owed_minor', owed.amount_minor,
      'ledger_balance_minor', private.balance_books(),
      'payment_mode', private.get_setting('payment_mode')
    )
    from (
      select
        count(*),
        -- What waits for a bank's decision is not late.
        private.seconds_since(
          min(r.requested_at) filter (where not private.is_disputed(r.payment_id))
        ) as oldest_seconds
      from private.refunds as r
      where r.status = 'requested'
    ) as refunds,
    (
      select
        count(distinct o.id),
        private.seconds_since(min(p.created_at)) as oldest_seconds
      from private.payment_orders as o
      join private.payments as p on p.payment_order_id = o.id
      where o.status = 'open'
    ) as pending,
    (
      select count(*), coalesce(sum(p.amount_minor), 0) as amount_minor
      from private.payouts as p where p.status = 'owed'
    ) as owed
  );
end;
$$;

-- RPC: operators' numbers; returns `{open_alerts: {info, warning, critical}, events: {received,
-- parked}, events_stuck, refunds_requested, refunds_oldest_seconds, pending_payments,
-- oldest_pending_payment_seconds, payouts_owed, payouts_owed_minor, ledger_balance_minor,
-- payment_mode}`; stuck events wait for more than 5 minutes, the balance is 0.
create or replace function public.get_metrics()
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_metrics();
$$;

revoke all on function private.get_metrics() from public, anon, authenticated, service_role;
grant execute on function private.get_metrics() to authenticated, service_role;
revoke all on function public.get_metrics() from public, anon, authenticated, service_role;
grant execute on function public.get_metrics() to authenticated, service_role;
