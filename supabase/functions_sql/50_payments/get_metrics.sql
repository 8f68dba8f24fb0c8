-- The numbers that a monitor watches; derived from what is stored, nothing is counted on the way.

-- RPC: operators' numbers; returns `{open_alerts: {info, warning, critical}, events: {received,
-- parked}, events_stuck, refunds_requested, refunds_oldest_seconds, pending_payments,
-- oldest_pending_payment_seconds, payouts_owed, payouts_owed_minor, ledger_balance_minor,
-- payment_mode}`; stuck events wait for more than 5 minutes, the balance is 0.
create or replace function public.get_metrics()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_metrics();
$$;

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
      'open_alerts', (
        select jsonb_object_agg(kind.severity, (
          select count(*) from private.alerts as a
          where a.status = 'open' and a.severity = kind.severity
        ))
        from unnest(array['info', 'warning', 'critical']) as kind (severity)
      ),
      -- Each of the two has an index; both at once would be read from the whole table.
      'events', jsonb_build_object(
        'received', (select count(*) from private.payment_events as e where e.status = 'received'),
        'parked', (select count(*) from private.payment_events as e where e.status = 'parked')
      ),
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
        coalesce(floor(extract(epoch from now() - min(r.requested_at) filter (
          where not private.is_disputed(r.payment_id)
        ))), 0) as oldest_seconds
      from private.refunds as r
      where r.status = 'requested'
    ) as refunds,
    (
      select
        count(distinct o.id),
        coalesce(floor(extract(epoch from now() - min(p.created_at))), 0) as oldest_seconds
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

-- How far the books of deals that hold money are from what their ledger says, in paise: 0, or
-- something is wrong.
create or replace function private.balance_books()
returns bigint
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(abs(booked.difference)), 0)
    from (
      select
        c.held_minor - coalesce(
          sum(case when e.to_account = 'held' then e.amount_minor else -e.amount_minor end), 0
        ) as difference
      from public.conversations as c
      left join private.escrow_ledger as e
        on e.conversation_id = c.id and 'held' in (e.from_account, e.to_account)
      where c.held_minor > 0
      group by c.id
    ) as booked
  );
end;
$$;

grant execute on function public.get_metrics(), private.get_metrics()
to authenticated, service_role;
