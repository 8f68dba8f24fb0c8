-- The numbers that a monitor watches. All are read from the tables: no message and no step updates
-- a counter, so no row becomes a bottleneck.

-- RPC: operators' numbers; returns `{open_alerts: {info, warning, critical}, events: {received,
-- parked}, events_stuck, refunds_requested, refunds_oldest_seconds, pending_payments,
-- oldest_pending_payment_seconds, payouts_owed, payouts_owed_minor, ledger_balance_minor,
-- payment_mode, broadcasts_last_minute, broadcasts_lost, window_seconds, messages, delivery, steps,
-- states, closed, outcomes, notifications, push_queue, cleanup_due}`; stuck events have waited for
-- more than 5 minutes; the balance must be 0. Of the last window_seconds: messages and
-- notifications by type, delivery `{sent, delivered, read, lag_seconds}`, steps `[{from_state,
-- to_state, action, role, count}]`, closed conversations by reason, outcomes of deals (`completed`,
-- or why they closed). As of now: states `[{state, deals, average_seconds, oldest_seconds}]`,
-- push_queue `{waiting, oldest_seconds, resting_hosts}`, cleanup_due `{messages, steps}`.
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
          select count(*) from private.alerts_now as a
          where a.status = 'open' and a.severity = kind.severity
        ))
        from unnest(array['info', 'warning', 'critical']) as kind (severity)
      ),
      -- Both counts read one index, each another part.
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
      'payment_mode', private.get_setting('payment_mode'),
      'broadcasts_last_minute', private.count_broadcasts(),
      'broadcasts_lost', (
        select case when f.is_called then f.last_value else 0 end
        from private.broadcast_failures as f
      )
    ) || private.count_activity(interval '5 minutes')
    from (
      select
        count(*),
        -- A refund that waits for a bank's decision is not late.
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

-- Recent activity in chats and deals, and the present states of deals. It reads few rows: block
-- range indexes on the times find the end of the large tables.
create or replace function private.count_activity(p_window interval)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_since constant timestamptz := now() - p_window;
begin
  return jsonb_build_object(
    'window_seconds', extract(epoch from p_window)::integer,
    'messages', (
      select coalesce(jsonb_object_agg(kind.message_type, kind.count), '{}')
      from (
        select m.message_type, count(*)
        from public.messages as m
        where m.created_at > v_since
        group by m.message_type
      ) as kind
    ),
    'delivery', (
      select jsonb_build_object(
        'sent', count(*),
        'delivered', count(*) filter (where m.seq <= p.delivered_seq),
        'read', count(*) filter (where m.seq <= p.read_seq),
        -- From the newest delivered message of each member: the others arrived with it or before.
        'lag_seconds', round(avg(
          greatest(extract(epoch from p.delivered_at - m.created_at), 0)
        ) filter (where m.seq = p.delivered_seq), 3)
      )
      from public.messages as m
      join private.participants as p
        on p.conversation_id = m.conversation_id and p.user_id = m.receiver_id
      where m.created_at > v_since and m.message_type = 'user_input'
    ),
    'steps', (
      select coalesce(jsonb_agg(to_jsonb(step)), '[]')
      from (
        select e.from_state, e.to_state, e.action, e.actor_role as role, count(*)
        from public.conversation_events as e
        where e.created_at > v_since
        group by e.from_state, e.to_state, e.action, e.actor_role
      ) as step
    ),
    'closed', (
      select coalesce(jsonb_object_agg(outcome.reason, outcome.count), '{}')
      from (
        select coalesce(c.close_reason, 'none') as reason, count(*)
        from public.conversation_events as e
        join private.conversations as c on c.id = e.conversation_id
        where e.created_at > v_since and e.to_state = 'chat_closed'
        group by 1
      ) as outcome
    ),
    -- A deal counts once, when it is settled, not when its chat is closed.
    'outcomes', (
      select coalesce(jsonb_object_agg(deal.outcome, deal.count), '{}')
      from (
        select
          case e.to_state
            when 'chat_closed' then coalesce(c.close_reason, 'none')
            else 'completed'
          end as outcome,
          count(*)
        from public.conversation_events as e
        join private.conversations as c on c.id = e.conversation_id
        where e.created_at > v_since
          and c.kind <> 'direct'
          and e.to_state in ('real_time', 'chat_closed')
          and e.from_state not in ('real_time', 'chat_closed')
        group by 1
      ) as deal
    ),
    'states', (
      select coalesce(jsonb_agg(to_jsonb(place)), '[]')
      from (
        select
          c.flow_state as state,
          count(*) as deals,
          round(avg(extract(epoch from now() - c.entered_at))) as average_seconds,
          round(max(extract(epoch from now() - c.entered_at))) as oldest_seconds
        from private.conversations as c
        where c.kind <> 'direct' and c.chat_status <> 'closed'
        group by c.flow_state
      ) as place
    ),
    'notifications', (
      select coalesce(jsonb_object_agg(kind.type, kind.count), '{}')
      from (
        select n.type, count(*)
        from private.notifications as n
        where n.created_at > v_since
        group by n.type
      ) as kind
    ),
    'push_queue', (
      select jsonb_build_object(
        'waiting', count(*),
        'oldest_seconds', coalesce(round(extract(epoch from now() - min(o.created_at))), 0),
        'resting_hosts', (
          select count(*) from private.push_hosts as h where h.cools_until > now()
        )
      )
      from private.push_outbox as o
    ),
    -- Work of the next cleanups; counts 10,000 messages at most.
    'cleanup_due', jsonb_build_object(
      'messages', (
        select count(*)
        from (
          select from public.messages as m
          where m.expires_at <= now()
              - private.get_number('expired_grace_days')::float8 * interval '1 day'
            and m.scrubbed_at is null
            and not exists (
              select from private.legal_holds as h where h.conversation_id = m.conversation_id
            )
          limit 10000
        ) as expired
      ),
      'steps', (
        select count(*) from private.conversations as c where c.deadline_at <= now()
      )
    )
  );
end;
$$;

-- The difference between the books of deals that hold money and their ledger, in paise; it must be
-- 0.
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
      from private.conversations as c
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
