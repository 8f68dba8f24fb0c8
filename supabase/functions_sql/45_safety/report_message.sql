-- Reports a message to the operators, with the reporter's view of it and of the ten before it.
--
-- The evidence is a copy that neither expiry nor scrubbing removes.
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: reports, rate_limits. A repeat is the first report.
-- Errors: AUTH_REQUIRED (401), MESSAGE_NOT_FOUND (404), INPUT_INVALID (422), RATE_LIMITED (429).
create or replace function private.report_message(
  p_message_id uuid,
  p_reason text,
  p_details text
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_context constant integer := 10;
  v_me constant uuid := private.require_user();
  v_details constant text := nullif(private.read_text(p_details, 'details', 1000), '');
  v_message record;
  v_report private.reports;
begin
  perform private.check_choice(
    'reason', p_reason, array['spam', 'abuse', 'fraud', 'nudity', 'impersonation', 'other']
  );
  perform private.lock_account(v_me);
  select r.* into v_report
  from private.reports as r
  where r.reporter_id = v_me and r.message_id = p_message_id;
  if not found then
    select m.id, m.conversation_id, m.seq into v_message
    from private.my_messages as m
    where m.conversation_id = (
        select s.conversation_id from public.messages as s where s.id = p_message_id
      )
      and m.id = p_message_id;
    if not found then
      perform private.raise_error(
        'MESSAGE_NOT_FOUND', 'There is no such message.', p_status => 404
      );
    end if;
    perform private.limit_rate(v_me, 'report');
    insert into private.reports (
      reporter_id, message_id, conversation_id, reason, details, evidence
    )
    select
      v_me, v_message.id, v_message.conversation_id, p_reason, v_details,
      (
        select jsonb_agg(to_jsonb(m) order by m.seq)
        from private.my_messages as m
        where m.conversation_id = v_message.conversation_id
          and m.seq between v_message.seq - c_context and v_message.seq
      )
    returning * into v_report;
  end if;
  return json_build_object('report_id', v_report.id, 'created_at', v_report.created_at);
end;
$$;

-- RPC: reports a message (spam, abuse, fraud, nudity, impersonation, other); returns
-- `{report_id, created_at}`.
create or replace function public.report_message(
  message_id uuid,
  reason text,
  details text default null
)
returns json
language sql
set search_path = ''
as $$
  select private.report_message(message_id, reason, details);
$$;

grant execute on function private.report_message(uuid, text, text) to authenticated;
grant execute on function public.report_message(uuid, text, text) to authenticated;
