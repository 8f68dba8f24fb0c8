-- The chat status of a state, as the generated column conversations.chat_status says it, for a
-- conversation that is not stored yet; a test compares the two.
create or replace function private.chat_status_of(p_state text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_state
    when 'real_time' then 'real_time'
    when 'chat_closed' then 'closed'
    else 'automated'
  end;
end;
$$;

revoke all on function private.chat_status_of(text) from public, anon, authenticated, service_role;
