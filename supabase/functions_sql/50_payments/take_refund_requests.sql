-- RPC: service and operators; refunds to send, as `[{refund_id, conversation_id, payment_id,
-- amount_minor, currency, mode, tries, may_be_sent, idempotency_key, razorpay_refund_id, receipt,
-- notes}]`; tries includes this one; without may_be_sent the app only searches for the refund.
create or replace function public.take_refund_requests(max_rows integer default 5)
returns jsonb
language sql
set search_path = ''
as $$
  select private.take_refund_requests(max_rows);
$$;

-- Requested refunds, for the app to send or to ask Razorpay about. Each is returned again after 20
-- seconds, then 40 and so on up to an hour, until Razorpay has processed it.
--
-- The key makes a retry harmless. A request whose refund failed at Razorpay gets a new key, because
-- the old key would return the same failure. A refund of a disputed payment waits, so that the
-- payer does not get the money twice; if it was tried before the dispute, the app only searches for
-- it. An operator's call waits only 20 seconds between tries.
-- Definer: the books are private.
-- Locks, writes: the rows of refunds that it takes; it skips rows that another session has locked.
-- Errors: FORBIDDEN (403).
-- Source of the key: https://razorpay.com/docs/api/refunds/create-normal, X-Refund-Idempotency.
create or replace function private.take_refund_requests(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pause constant interval := interval '20 seconds';
  v_requests jsonb;
begin
  perform private.require_operator();
  with taken as (
    update private.refunds as r
    set
      tries = r.tries + 1,
      tried_at = now(),
      next_try_at = now() + least(
        c_pause * 2 ^ least(r.tries, 20), interval '1 hour'
      )
    where r.id in (
      select due.id
      from private.refunds as due
      where due.status = 'requested'
        and (
          due.next_try_at <= now()
          -- An operator's call shortens the pause.
          or auth.uid() is not null and due.tried_at < now() - c_pause
        )
        and (
          due.tries > 0
          or due.razorpay_refund_id is not null
          or not private.is_disputed(due.payment_id)
        )
      order by due.next_try_at, due.requested_at
      limit private.clamp_page_size(p_max_rows, 5, 50)
      for update skip locked
    )
    returning r.*
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'refund_id', taken.id,
        'conversation_id', taken.conversation_id,
        'payment_id', taken.payment_id,
        'amount_minor', taken.amount_minor,
        'currency', taken.currency,
        'mode', o.mode,
        'tries', taken.tries,
        'may_be_sent', not private.is_disputed(taken.payment_id),
        'idempotency_key', format('refund-%s-%s', taken.id, failed.count + 1),
        'razorpay_refund_id', taken.razorpay_refund_id,
        'receipt', taken.id,
        'notes', jsonb_build_object('reason', taken.reason, 'kind', taken.kind)
      )
      order by taken.requested_at
    ),
    '[]'
  )
  into v_requests
  from taken
  left join private.payments as p on p.payment_id = taken.payment_id
  left join private.payment_orders as o on o.id = p.payment_order_id
  cross join lateral (
    select count(*) as count
    from private.payment_refunds as k
    where k.request_id = taken.id and k.status = 'failed'
  ) as failed;
  return v_requests;
end;
$$;

grant execute on function
  public.take_refund_requests(integer),
  private.take_refund_requests(integer)
to authenticated, service_role;
