-- RPC: operators resolve an alert; returns `{id, status}`.
create or replace function public.resolve_alert(alert_id bigint, note text default null)
returns jsonb
language sql
set search_path = ''
as $$
  select private.resolve_alert(alert_id, note);
$$;

-- Resolves an alert. The same cause later opens a new one.
--
-- Definer: alerts are private.
-- Writes: alerts.
-- Errors: FORBIDDEN (403), also for an operator who is a member of the alert's conversation;
-- INPUT_INVALID (422) for an alert that is not open, or a note that is too long or has control
-- characters.
create or replace function private.resolve_alert(p_alert_id bigint, p_note text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_note text;
begin
  perform private.require_operator();
  v_note := private.read_text(p_note, 'note', 1000, p_rule => 'max');
  perform private.refuse_own(
    (select a.conversation_id from private.alerts as a where a.id = p_alert_id)
  );
  update private.alerts as a
  set
    status = 'resolved', resolved_at = now(), note = v_note,
    resolved_by = (select u.id from public.users as u where u.id = auth.uid())
  where a.id = p_alert_id
    and exists (select from private.alerts_now as n where n.id = a.id and n.status = 'open');
  if not found then
    perform private.raise_input_invalid('alert_id', 'open', 'There is no such open alert.');
  end if;
  return jsonb_build_object('id', p_alert_id, 'status', 'resolved');
end;
$$;

grant execute on function public.resolve_alert(bigint, text), private.resolve_alert(bigint, text)
to authenticated, service_role;
