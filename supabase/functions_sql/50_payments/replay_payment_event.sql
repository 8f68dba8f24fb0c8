-- RPC: operators have an event processed again; returns the answer of process_payment_event.
create or replace function public.replay_payment_event(event_row_id bigint)
returns jsonb
language sql
set search_path = ''
as $$
  select private.replay_payment_event(event_row_id);
$$;

-- Processes a parked or unfinished event again, once its cause is fixed.
--
-- Definer: the events are private.
-- Locks, writes: as private.process_payment_event.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for an unknown row.
create or replace function private.replay_payment_event(p_event_row_id bigint)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
begin
  perform private.require_operator();
  return private.process_payment_event(
    p_event_row_id, 'operator:' || coalesce(auth.uid()::text, 'service')
  );
end;
$$;

grant execute on function public.replay_payment_event(bigint), private.replay_payment_event(bigint)
to authenticated, service_role;
