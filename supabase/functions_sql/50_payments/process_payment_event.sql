-- Acts on a stored event, once.
--
-- Args: the event's row; who acts (an operator may have one processed that was set aside).
-- Definer: the events are private.
-- Locks: the event, then the conversation, then its order; at most 1.5 seconds each. Writes: what
-- private.apply_event writes.
-- Errors: INPUT_INVALID (422) for a row that is not there.
create or replace function private.process_payment_event(p_event_row_id bigint, p_actor text)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_event private.payment_events;
  v_verdict private.payment_verdict;
begin
  select e.* into v_event
  from private.payment_events as e
  where e.id = p_event_row_id
  for update;
  if not found then
    perform private.raise_input_invalid('event_row_id', 'known', 'There is no such event.');
  end if;
  if v_event.status = 'received'
    or v_event.status = 'parked' and v_event.body is not null and p_actor like 'operator:%' then
    v_verdict := private.apply_event(v_event, coalesce(p_actor, 'webhook'));
    select e.* into v_event from private.payment_events as e where e.id = p_event_row_id;
  else
    v_verdict.outcome := 'duplicate';
  end if;
  return jsonb_build_object(
    'outcome', v_verdict.outcome,
    'status', v_event.status,
    'event_type', v_event.event_type,
    'conversation_id', v_event.conversation_id,
    'razorpay_order_id', v_event.razorpay_order_id,
    'razorpay_payment_id', v_event.razorpay_payment_id
  );
end;
$$;

-- RPC: service only; processes an event; returns `{outcome, status, event_type, conversation_id,
-- razorpay_order_id, razorpay_payment_id}`.
create or replace function public.process_payment_event(
  event_row_id bigint,
  actor text default 'webhook'
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.process_payment_event(event_row_id, actor);
$$;

revoke all on function private.process_payment_event(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function private.process_payment_event(bigint, text) to service_role;
revoke all on function public.process_payment_event(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.process_payment_event(bigint, text) to service_role;
