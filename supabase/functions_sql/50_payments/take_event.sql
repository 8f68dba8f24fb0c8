-- Finds out what a stored event says and whom it is about, and acts on it.
--
-- Args: the event, locked; who acts.
-- Returns the verdict.
-- Locks: the conversation, then the order. Writes: what private.find_payment_order,
-- private.take_report and private.conclude write.
create or replace function private.take_event(p_event private.payment_events, p_actor text)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_report private.payment_report;
  v_order private.payment_orders;
  v_outcome text;
  v_subject text := p_event.id::text;
  v_error text;
begin
  begin
    v_report := private.read_report(p_event.body);
  exception
    when data_exception or program_limit_exceeded then
      v_outcome := 'malformed';
      v_error := left(sqlstate || ': ' || sqlerrm, 200);
  end;
  if v_outcome is null then
    if not private.is_used_event(v_report.event_type) then
      v_outcome := 'ignored_event_type';
    elsif v_report.account_id <> p_event.account_id then
      v_outcome := 'foreign_account';
      v_subject := v_report.account_id;
    end if;
  end if;
  if v_outcome is null then
    v_order := private.find_payment_order(
      coalesce(
        v_report.razorpay_order_id,
        -- Of a refund or dispute the payment may be all that is named.
        (
          select o.razorpay_order_id
          from private.payments as p
          join private.payment_orders as o on o.id = p.payment_order_id
          where p.payment_id = (v_report.payment).payment_id
        )
      ),
      v_report.provider_order, p_event.mode
    );
    if v_order.id is null then
      v_outcome := 'unknown_order';
      v_subject := coalesce(v_report.razorpay_order_id, 'none');
    elsif v_order.mode <> p_event.mode then
      v_outcome := 'mode_mismatch';
      v_subject := v_order.razorpay_order_id;
    end if;
  end if;
  if v_outcome is null then
    return private.take_report(v_order, v_report, p_actor, p_event.id);
  end if;
  return private.conclude(
    v_outcome, v_order, (v_report.payment).payment_id, v_subject, p_actor, p_event.id,
    jsonb_strip_nulls(jsonb_build_object(
      'event_type', v_report.event_type, 'razorpay_order_id', v_report.razorpay_order_id,
      'account_id', v_report.account_id, 'mode', p_event.mode, 'error', v_error
    ))
  );
end;
$$;

revoke all on function private.take_event(private.payment_events, text)
from public, anon, authenticated, service_role;
