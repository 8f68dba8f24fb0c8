-- RPC: operators scrub bodies older than 180 days; returns `{scrubbed}`.
create or replace function public.scrub_payment_events(max_rows integer default 100)
returns jsonb
language sql
set search_path = ''
as $$
  select private.scrub_payment_events(max_rows);
$$;

-- Empties the raw bodies of old events, which hold names and addresses of payers; the payments and
-- refunds that were read from them stay.
--
-- Args: how many at most.
-- Definer: the events are private.
-- Writes: payment_events.
-- Errors: FORBIDDEN (403).
create or replace function private.scrub_payment_events(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_kept constant interval := interval '180 days';
  v_count integer;
begin
  perform private.require_operator();
  update private.payment_events as e
  set body = null
  where e.id in (
    select old.id
    from private.payment_events as old
    where old.body is not null and old.received_at < now() - c_kept and old.status <> 'received'
    order by old.received_at
    limit private.clamp_page_size(p_max_rows, 100, 1000)
    for update skip locked
  );
  get diagnostics v_count = row_count;
  return jsonb_build_object('scrubbed', v_count);
end;
$$;

grant execute on function
  public.scrub_payment_events(integer),
  private.scrub_payment_events(integer)
to authenticated, service_role;
