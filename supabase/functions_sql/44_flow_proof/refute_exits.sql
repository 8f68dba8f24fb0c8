-- P5: both parties can always leave: close the conversation, or put the deal into the hands of an
-- operator or of a refund. Finds situations of a party's turn or of free talk where one cannot.
create or replace function private.refute_exits(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select
    'P5', format('The %s cannot leave in %s.', party.role, m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  join private.flow_definitions as f on f.id = p_flow_id
  cross join unnest(private.list_party_roles(f.kind)) as party (role)
  where p.place in ('turn', 'talk') and m.money <> 'broken'
    and (m.key, party.role) not in (
      select l.from_key, l.role
      from unnest(p_moves) as l
      join private.flow_places as there on there.flow_id = p_flow_id and there.state = l.state
      where l.is_certain and l.role is not null and there.place in ('end', 'platform')
    );
end;
$$;

revoke all on function private.refute_exits(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
