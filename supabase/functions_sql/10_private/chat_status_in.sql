-- The chat_status of a state of the flow: real_time, automated or closed.
create or replace function private.chat_status_in(p_flow_state text)
returns text
language sql
immutable
as $$
  select case p_flow_state
    when 'real_time' then 'real_time'
    when 'chat_closed' then 'closed'
    else 'automated'
  end;
$$;
