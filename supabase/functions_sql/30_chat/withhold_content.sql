-- A message's JSON as it may leave through a channel that no clock empties: as it is, or, when the
-- message disappears one day, without text and media and with `content_withheld: true`.
create or replace function private.withhold_content(p_message jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_message -> 'expires_at'
    when 'null' then p_message
    else p_message - array['message', 'media_url'] || '{"content_withheld": true}'
  end;
end;
$$;

revoke all on function private.withhold_content(jsonb)
from public, anon, authenticated, service_role;
