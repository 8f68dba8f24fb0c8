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

-- What operators must look at, newest first.
--
-- dispute_days: how many days the conversation's dispute has been open, if one is. reminder: 7, 30
-- or 50 once it has been open that long; from then on nobody has to keep the date in mind. An alert
-- of such a conversation is critical from day 50 on: at day 60 the dispute ends by itself.
-- Args: open or resolved; how many; an id of that list, to go on from; info, warning or critical
-- (null: all).
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
          a.id, a.kind, urgency.severity, a.status, a.conversation_id, a.razorpay_order_id,
          a.razorpay_payment_id, a.event_row_id, a.details, a.seen, a.first_seen_at,
          a.last_seen_at, a.resolved_at, a.note, dispute.days as dispute_days, urgency.reminder
        from private.alerts as a
        left join lateral (
          select floor(extract(epoch from now() - d.opened_at) / 86400)::integer as days
          from private.disputes as d
          where a.status = 'open' and d.conversation_id = a.conversation_id
            and d.closed_at is null
        ) as dispute on true
        cross join lateral (
          select
            case when dispute.days >= 50 then 'critical' else a.severity end as severity,
            case
              when dispute.days >= 50 then 50
              when dispute.days >= 30 then 30
              when dispute.days >= 7 then 7
            end as reminder
        ) as urgency
        where a.status = p_status
          and a.id < coalesce(p_before, 9223372036854775807)
          and urgency.severity = coalesce(p_severity, urgency.severity)
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
