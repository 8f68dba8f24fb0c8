-- Applies one stored event that was not applied because its deal was locked, or because the app
-- ended between storing and processing. The app calls this on every touch.

-- RPC: service and operators; applies one event; returns `{event_row_id, outcome,
-- conversation_id}`, nulls when none is due.
create or replace function public.apply_waiting_event()
returns jsonb
language sql
set search_path = ''
as $$
  select private.apply_waiting_event();
$$;

-- Applies the event that is due for the longest time. It does not retry after an error in Parley:
-- Razorpay sends that event again.
--
-- Definer: the events are private.
-- Locks: the event, then as private.apply_event; it skips an event that another session has locked.
-- Writes: as private.apply_event.
-- Errors: FORBIDDEN (403).
create or replace function private.apply_waiting_event()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_event private.payment_events;
begin
  perform private.require_operator();
  select e.* into v_event
  from private.payment_events as e
  where e.status = 'received' and e.attempts = 0 and e.next_try_at <= now()
  order by e.next_try_at
  limit 1
  for update skip locked;
  if found then
    v_event := private.apply_event(v_event, 'touch');
  end if;
  return jsonb_build_object(
    'event_row_id', v_event.id,
    'outcome', v_event.outcome,
    'conversation_id', v_event.conversation_id
  );
end;
$$;

grant execute on function public.apply_waiting_event(), private.apply_waiting_event()
to authenticated, service_role;
