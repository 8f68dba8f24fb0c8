-- Processes a stored event and keeps what it came to. A fault of ours is counted; the fifth sets
-- the event aside, before Razorpay gives up sending it and switches all events off.
--
-- Args: the event, locked, not yet processed; who acts.
-- Returns the verdict; outcome try_again when it is to come again.
-- Writes: payment_events, and what private.take_event writes.
-- Errors: what another session holds (40001, 40P01, 55P03): try again.
-- Source of the five: Razorpay tries for 24 hours,
-- https://razorpay.com/docs/webhooks/best-practices
create or replace function private.apply_event(p_event private.payment_events, p_actor text)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_most constant integer := 5;
  v_verdict private.payment_verdict;
  v_error text;
begin
  begin
    v_verdict := private.take_event(p_event, p_actor);
  exception
    when serialization_failure or deadlock_detected or lock_not_available then
      raise;
    when others then
      v_error := left(sqlstate || ': ' || sqlerrm, 1000);
  end;
  if v_error is not null and p_event.attempts + 1 < c_most then
    v_verdict.outcome := 'try_again';
    v_verdict.status := 'received';
  elsif v_error is not null then
    v_verdict := private.conclude(
      'processing_failed', null, null, p_event.id::text, p_actor, p_event.id,
      jsonb_build_object('error', v_error)
    );
  end if;
  update private.payment_events as e
  set
    status = v_verdict.status,
    outcome = v_verdict.outcome,
    error = v_error,
    attempts = e.attempts + 1,
    conversation_id = coalesce((v_verdict.payment_order).conversation_id, e.conversation_id),
    razorpay_payment_id = coalesce(v_verdict.razorpay_payment_id, e.razorpay_payment_id),
    processed_at = case when v_verdict.status <> 'received' then clock_timestamp() end
  where e.id = p_event.id;
  return v_verdict;
end;
$$;

revoke all on function private.apply_event(private.payment_events, text)
from public, anon, authenticated, service_role;
