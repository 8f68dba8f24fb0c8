-- P11: a party is awaited where it is a party's turn, and nowhere else.
create or replace function private.refute_waiting(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select
    'P11',
    case
      when m.awaiting is null then format('Nobody is awaited in %s.', m.state)
      else format('The %s is awaited in %s, where it is nobody''s turn.', m.awaiting, m.state)
    end,
    m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where (m.awaiting is not null) <> (p.place = 'turn');
end;
$$;

revoke all on function private.refute_waiting(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
