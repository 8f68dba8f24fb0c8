-- The outcomes of an event or an answer of Razorpay, with their audit rows and alerts.

-- Records an outcome: an audit row and an alert, where the outcome needs them.
--
-- Args: the outcome, one of private.payment_outcomes; our order (nulls: unknown); Razorpay's
-- payment; a key that equal causes share; the actor; the event (null: an answer of Razorpay);
-- details.
-- Writes: payment_audit, and as private.open_alert.
create or replace function private.conclude(
  p_outcome text,
  p_order private.payment_orders,
  p_payment_id text,
  p_subject text,
  p_actor text,
  p_event_row_id bigint,
  p_details jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_severity text;
  v_is_audited boolean := p_outcome = 'applied';
begin
  if p_outcome in ('noop', 'ignored_event_type') then
    return;
  end if;
  if p_outcome <> 'applied' then
    select o.severity, o.is_audited into strict v_severity, v_is_audited
    from private.payment_outcomes() as o
    where o.outcome = p_outcome;
  end if;
  if v_severity is not null then
    perform private.open_alert(
      p_outcome, v_severity, concat_ws(':', p_outcome, p_subject),
      p_order.conversation_id, p_details, p_event_row_id, p_order.razorpay_order_id, p_payment_id
    );
  end if;
  if v_is_audited then
    insert into private.payment_audit (
      actor, action, conversation_id, payment_order_id, event_row_id, details
    )
    values (
      p_actor, p_outcome, p_order.conversation_id, p_order.id, p_event_row_id,
      p_details || jsonb_strip_nulls(jsonb_build_object('payment_id', p_payment_id))
    );
  end if;
end;
$$;

-- Each outcome: the status of its event, the severity of its alert (null: none), and whether it has
-- an audit row.
create or replace function private.payment_outcomes()
returns table (
  outcome text, status text, severity text, is_audited boolean
)
language plpgsql
immutable
set search_path = ''
as $$
begin
  return query values
    ('applied', 'processed', null, true),
    ('noop', 'processed', null, false),
    ('ignored_event_type', 'ignored', null, false),
    -- The next touch applies it: the deal is locked; or an error in Parley.
    ('waiting', 'received', 'warning', false),
    ('try_again', 'received', null, false),
    -- Set aside for a person.
    ('malformed', 'parked', 'critical', false),
    ('unknown_order', 'parked', 'info', false),
    ('foreign_account', 'parked', 'warning', false),
    ('mode_mismatch', 'parked', 'critical', true),
    ('order_mismatch', 'parked', 'critical', true),
    ('processing_failed', 'parked', 'critical', true),
    ('captured_out_of_flow', 'parked', 'critical', true),
    -- Money that is refunded automatically; operators get an alert.
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
