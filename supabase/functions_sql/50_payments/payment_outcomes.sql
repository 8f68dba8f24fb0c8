-- What an event or an answer of Razorpay can come to: what becomes of the event, how grave it is
-- for operators (null: no alert), and whether it stands in the audit.
create or replace function private.payment_outcomes()
returns table (
  outcome text, status text, severity text, is_audited boolean
)
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return query values
    ('applied', 'processed', null, true),
    ('noop', 'processed', null, false),
    ('ignored_event_type', 'ignored', null, false),
    -- Set aside for a person.
    ('malformed', 'parked', 'critical', false),
    ('unknown_order', 'parked', 'info', false),
    ('foreign_account', 'parked', 'warning', false),
    ('mode_mismatch', 'parked', 'critical', true),
    ('order_mismatch', 'parked', 'critical', true),
    ('processing_failed', 'parked', 'critical', true),
    ('captured_out_of_flow', 'parked', 'critical', true),
    -- Money that goes back by itself; a person should know.
    ('amount_mismatch', 'parked', 'critical', true),
    ('currency_mismatch', 'parked', 'critical', true),
    ('underpaid', 'parked', 'warning', true),
    ('superseded_order', 'parked', 'critical', true),
    ('double_payment', 'parked', 'critical', true),
    ('captured_after_closed', 'parked', 'critical', true),
    -- Facts that are in the books.
    ('refunded_before_completion', 'processed', 'warning', true),
    ('uncaptured_refund', 'processed', 'warning', true),
    ('refund_recorded', 'processed', 'critical', true),
    ('refund_pending', 'processed', null, true),
    ('refund_processed', 'processed', null, true),
    ('refund_failed', 'processed', 'critical', true),
    ('refund_mismatch', 'processed', 'critical', true),
    ('dispute_recorded', 'processed', 'critical', true),
    ('event_id_reused', 'processed', 'critical', false);
end;
$$;

revoke all on function private.payment_outcomes() from public, anon, authenticated, service_role;
