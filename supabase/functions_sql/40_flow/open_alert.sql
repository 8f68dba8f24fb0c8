-- Puts an alert on the operators' list; the same cause again counts up the open alert.
--
-- Args: kind; info, warning or critical; a key that equal causes share; the conversation; details;
-- the event that caused it; Razorpay's order and payment.
-- Writes: alerts.
create or replace function private.open_alert(
  p_kind text,
  p_severity text,
  p_key text,
  p_conversation_id uuid,
  p_details jsonb,
  p_event_row_id bigint default null,
  p_razorpay_order_id text default null,
  p_razorpay_payment_id text default null
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.alerts as a (
    kind, severity, key, conversation_id, details, event_row_id, razorpay_order_id,
    razorpay_payment_id
  )
  values (
    p_kind, p_severity, p_key, p_conversation_id, p_details, p_event_row_id, p_razorpay_order_id,
    p_razorpay_payment_id
  )
  on conflict (key) where status = 'open' do update
  set
    seen = a.seen + 1,
    last_seen_at = clock_timestamp(),
    details = excluded.details,
    event_row_id = coalesce(excluded.event_row_id, a.event_row_id);
end;
$$;
