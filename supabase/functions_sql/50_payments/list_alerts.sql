-- RPC: operators' list; returns `[{id, kind, severity, status, conversation_id, razorpay_order_id,
-- razorpay_payment_id, event_row_id, details, seen, first_seen_at, last_seen_at, resolved_at, note,
-- dispute_days, reminder}]`.
create or replace function public.list_alerts(
  status text default 'open',
  page_size integer default 50,
  before bigint default null,
  severity text default null
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.list_alerts(status, page_size, before, severity);
$$;

-- Alerts as they are now: the age of an open dispute counts at reading, because no timer runs.
--
-- dispute_days: how many days the conversation's dispute has been open, if one is. reminder: 7, 30
-- or 50 once it has been open that long. An alert that was resolved before that day is open again,
-- and from day 50 on it is critical: at day 60 the flow ends the dispute.
create or replace view private.alerts_now as
select
  a.id, a.kind, a.conversation_id, a.razorpay_order_id, a.razorpay_payment_id, a.event_row_id,
  a.details, a.seen, a.first_seen_at, a.last_seen_at, a.note,
  case when it.is_open then 'open' else 'resolved' end as status,
  case when not it.is_open then a.resolved_at end as resolved_at,
  case when it.is_open and dispute.days >= 50 then 'critical' else a.severity end as severity,
  case when it.is_open then dispute.days end as dispute_days,
  case when it.is_open then dispute.reminder end as reminder
from private.alerts as a
left join lateral (
  select
    d.opened_at, age.days,
    case
      when age.days >= 50 then 50
      when age.days >= 30 then 30
      when age.days >= 7 then 7
    end as reminder
  from private.disputes as d
  cross join lateral (
    select floor(extract(epoch from now() - d.opened_at) / 86400)::integer as days
  ) as age
  where d.conversation_id = a.conversation_id and d.closed_at is null
) as dispute on true
cross join lateral (
  select a.status = 'open' or coalesce(
    a.resolved_at >= dispute.opened_at
      and a.resolved_at < dispute.opened_at + dispute.reminder * interval '1 day',
    false
  ) as is_open
) as it;

-- A page of alerts as they are now, newest first.
--
-- Args: open or resolved; how many; an id of that list: the page continues after it; info, warning
-- or critical (null: all).
-- Definer: alerts are private.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for another status or severity.
create or replace function private.list_alerts(
  p_status text,
  p_page_size integer,
  p_before bigint,
  p_severity text
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  perform private.check_choice('status', p_status, array['open', 'resolved']);
  perform private.check_choice(
    'severity', coalesce(p_severity, 'info'), array['info', 'warning', 'critical']
  );
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.id desc)
      from (
        select
          a.id, a.kind, a.severity, a.status, a.conversation_id, a.razorpay_order_id,
          a.razorpay_payment_id, a.event_row_id, a.details, a.seen, a.first_seen_at,
          a.last_seen_at, a.resolved_at, a.note, a.dispute_days, a.reminder
        from private.alerts_now as a
        where a.status = p_status
          and a.id < coalesce(p_before, 9223372036854775807)
          and a.severity = coalesce(p_severity, a.severity)
        order by a.id desc
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

grant execute on function
  public.list_alerts(text, integer, bigint, text),
  private.list_alerts(text, integer, bigint, text)
to authenticated, service_role;
