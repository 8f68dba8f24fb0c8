-- Keeps what Razorpay says about a refund, and what is refunded of its payment with that. A failed
-- one does not count any more.
--
-- Args: the refund as it was told; the request that it answers, where that is known.
-- Returns whether anything about it is new. Writes: payment_refunds, payments.
create or replace function private.merge_refund(p_told private.payment_refunds, p_request_id uuid)
returns boolean
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_ranks constant text[] := array['created', 'processed', 'failed'];
  v_is_new boolean;
begin
  insert into private.payment_refunds as r (
    refund_id, payment_id, request_id, amount_minor, currency, status
  )
  values (
    p_told.refund_id, p_told.payment_id, p_request_id, p_told.amount_minor, p_told.currency,
    p_told.status
  )
  on conflict (refund_id) do update
  set
    status = excluded.status,
    request_id = coalesce(r.request_id, excluded.request_id),
    updated_at = clock_timestamp()
  where array_position(c_ranks, excluded.status) > array_position(c_ranks, r.status);
  v_is_new := found;
  if v_is_new then
    update private.payments as p
    set
      refunded_minor = case
        when p_told.status = 'failed' then live.amount_minor
        else greatest(p.refunded_minor, live.amount_minor)
      end,
      updated_at = clock_timestamp()
    from (
      select coalesce(sum(r.amount_minor), 0) as amount_minor
      from private.payment_refunds as r
      where r.payment_id = p_told.payment_id and r.status <> 'failed'
    ) as live
    where p.payment_id = p_told.payment_id;
  end if;
  return v_is_new;
end;
$$;

revoke all on function private.merge_refund(private.payment_refunds, uuid)
from public, anon, authenticated, service_role;
