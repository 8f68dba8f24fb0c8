-- Stores the raw bytes of an authentic event, before anything is done with them: whatever happens
-- next, nothing is lost.
--
-- Args: the id that Razorpay gave it (one that is missing or odd is replaced by the body's hash);
-- the body as it was signed, in base64; headers to keep; which secret signed it, current or
-- previous; the mode of that secret; the account that must have sent it (null: any). A second event
-- under a known id is stored under its hash, with an alert: only the body is signed, anybody can
-- put any id on it.
-- Definer: the events are private.
-- Locks: the event. Writes: payment_events, alerts.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.record_payment_event(
  p_event_id text,
  p_body_base64 text,
  p_headers jsonb,
  p_secret_slot text,
  p_mode text,
  p_account_id text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_event private.payment_events;
  v_report jsonb;
begin
  v_event.body := private.read_base64(p_body_base64);
  v_event.sha256 := sha256(v_event.body);
  perform private.check_choice('secret_slot', p_secret_slot, array['current', 'previous']);
  perform private.check_choice('mode', p_mode, array['test', 'live']);
  v_event.event_id := case
    when p_event_id ~ '^[A-Za-z0-9_-]{1,100}$' then p_event_id
    else private.hash_id(v_event.sha256)
  end;
  v_report := private.peek_event(v_event.body);
  v_event.headers := coalesce(p_headers, '{}');
  v_event.secret_slot := p_secret_slot;
  v_event.mode := p_mode;
  v_event.account_id := p_account_id;
  v_event.event_type := v_report ->> 'event_type';
  v_event.razorpay_order_id := v_report ->> 'razorpay_order_id';
  v_event := private.store_event(v_event);
  return jsonb_build_object(
    'event_row_id', v_event.id,
    'duplicate', v_event.deliveries > 1,
    'event_type', v_event.event_type,
    'razorpay_order_id', v_event.razorpay_order_id
  );
end;
$$;

-- RPC: service only; stores an event; returns `{event_row_id, duplicate, event_type,
-- razorpay_order_id}`.
create or replace function public.record_payment_event(
  event_id text,
  body_base64 text,
  headers jsonb default '{}',
  secret_slot text default 'current',
  mode text default 'test',
  account_id text default null
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.record_payment_event(
    event_id, body_base64, headers, secret_slot, mode, account_id
  );
$$;

revoke all on function private.record_payment_event(text, text, jsonb, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.record_payment_event(text, text, jsonb, text, text, text)
to service_role;
revoke all on function public.record_payment_event(text, text, jsonb, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.record_payment_event(text, text, jsonb, text, text, text)
to service_role;
