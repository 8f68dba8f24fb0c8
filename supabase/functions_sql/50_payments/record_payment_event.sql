-- Stores the raw bytes of an authentic event before anything else, so that nothing is lost.
-- process_payment_event then applies it.

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
as $$
  select private.record_payment_event(
    event_id, body_base64, headers, secret_slot, mode, account_id
  );
$$;

-- Stores an event, or counts one more delivery of it.
--
-- Its commit does not wait for the disk. The commit of process_payment_event waits for both, and
-- only then does the app answer; after a crash in between Razorpay sends the event again.
-- Args: Razorpay's id of it (the body's hash replaces a missing or odd one); the signed body in
-- base64; headers to keep; the secret that signed it, current or previous; the mode of that secret;
-- the account that must have sent it (null: any).
-- Definer: the events are private. Plans are generic, as private.take_action's.
-- Locks: the event. Writes: payment_events, and as private.conclude.
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
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_body bytea;
  v_said jsonb;
  v_event_type text;
  v_order_id text;
  v_event_id text := p_event_id;
  v_row_id bigint;
  v_deliveries integer;
  v_is_reused boolean := false;
begin
  perform set_config('synchronous_commit', 'off', true);
  begin
    v_body := decode(coalesce(p_body_base64, '-'), 'base64');
    v_said := convert_from(v_body, 'UTF8')::jsonb;
  exception
    when data_exception or program_limit_exceeded then
      if v_body is null then
        perform private.raise_input_invalid('body_base64', 'base64', 'The body is not base64.');
      end if;
      -- Unreadable bytes are stored too.
  end;
  if (p_secret_slot in ('current', 'previous') and p_mode in ('test', 'live')) is not true then
    perform private.check_choice('secret_slot', p_secret_slot, array['current', 'previous']);
    perform private.check_choice('mode', p_mode, array['test', 'live']);
  end if;
  -- Type and ids of the event, unchecked, for searches.
  v_event_type := left(v_said ->> 'event', 100);
  v_order_id := left(
    coalesce(
      v_said #>> '{payload,payment,entity,order_id}', v_said #>> '{payload,order,entity,id}'
    ),
    100
  );
  -- A length and a plain pattern: a count in the pattern makes it twenty times slower.
  if (p_event_id ~ '^[A-Za-z0-9_-]+$' and length(p_event_id) <= 100) is not true then
    v_event_id := 'sha256:' || encode(sha256(v_body), 'hex');
  end if;
  loop
    insert into private.payment_events as e (
      event_id, sha256, body, headers, secret_slot, mode, account_id, event_type,
      razorpay_order_id
    )
    values (
      v_event_id, sha256(v_body), v_body, coalesce(p_headers, '{}'), p_secret_slot, p_mode,
      p_account_id, v_event_type, v_order_id
    )
    on conflict (event_id) do update
    set deliveries = e.deliveries + 1
    where e.sha256 = excluded.sha256
    returning e.id, e.deliveries into v_row_id, v_deliveries;
    exit when found;
    -- Only the body is signed, so anybody can send another body under a known id. It is stored as
    -- another event.
    v_is_reused := true;
    v_event_id := 'sha256:' || encode(sha256(v_body), 'hex');
  end loop;
  if v_is_reused then
    perform private.conclude(
      'event_id_reused', null, null, p_event_id, 'webhook', v_row_id,
      jsonb_build_object('event_id', p_event_id)
    );
  end if;
  return jsonb_build_object(
    'event_row_id', v_row_id,
    'duplicate', v_deliveries > 1,
    'event_type', v_event_type,
    'razorpay_order_id', v_order_id
  );
end;
$$;

grant execute on function
  public.record_payment_event(text, text, jsonb, text, text, text),
  private.record_payment_event(text, text, jsonb, text, text, text)
to service_role;
