-- Puts something on the operators' list; the same cause again counts up the line that is open.
--
-- Args: kind; info, warning or critical; what makes two causes the same; the conversation; details.
-- Writes: alerts.
create or replace function private.open_alert(
  p_kind text,
  p_severity text,
  p_key text,
  p_conversation_id uuid,
  p_details jsonb
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into private.alerts as a (kind, severity, key, conversation_id, details)
  values (p_kind, p_severity, p_key, p_conversation_id, p_details)
  on conflict (key) where status = 'open'
  do update set seen = a.seen + 1, last_seen_at = now(), details = excluded.details;
end;
$$;

revoke all on function private.open_alert(text, text, text, uuid, jsonb)
from public, anon, authenticated, service_role;
