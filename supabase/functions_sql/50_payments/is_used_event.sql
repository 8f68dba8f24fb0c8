-- Whether events of a type tell us something; the rest is stored and left.
--
-- Source: https://razorpay.com/docs/webhooks/payments
create or replace function private.is_used_event(p_event_type text)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return p_event_type in (
    'order.paid', 'payment.authorized', 'payment.captured', 'payment.failed',
    'refund.created', 'refund.processed', 'refund.failed', 'refund.speed_changed',
    'payment.dispute.created', 'payment.dispute.under_review',
    'payment.dispute.action_required', 'payment.dispute.won', 'payment.dispute.lost',
    'payment.dispute.closed'
  );
end;
$$;

revoke all on function private.is_used_event(text) from public, anon, authenticated, service_role;
