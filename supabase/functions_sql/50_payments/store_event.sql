-- Stores an event, or counts one more delivery of it.
--
-- Returns the row; deliveries is 1 for a new one. The same id with another body is another event.
-- Writes: payment_events, alerts.
create or replace function private.store_event(p_event private.payment_events)
returns private.payment_events
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_event private.payment_events := p_event;
  v_stored private.payment_events;
begin
  loop
    insert into private.payment_events as e (
      event_id, sha256, body, headers, secret_slot, mode, account_id, event_type,
      razorpay_order_id
    )
    values (
      v_event.event_id, v_event.sha256, v_event.body, v_event.headers, v_event.secret_slot,
      v_event.mode, v_event.account_id, v_event.event_type, v_event.razorpay_order_id
    )
    on conflict (source, event_id) do update
    set deliveries = e.deliveries + 1
    where e.sha256 = excluded.sha256
    returning e.* into v_stored;
    exit when found;
    v_event.event_id := private.hash_id(v_event.sha256);
  end loop;
  if v_event.event_id <> p_event.event_id then
    perform private.conclude(
      'event_id_reused', null, null, p_event.event_id, 'webhook', v_stored.id,
      jsonb_build_object('event_id', p_event.event_id)
    );
  end if;
  return v_stored;
end;
$$;

revoke all on function private.store_event(private.payment_events)
from public, anon, authenticated, service_role;
