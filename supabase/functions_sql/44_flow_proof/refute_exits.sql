-- P5: both parties can always leave, and blocking the other side always works. Finds situations of
-- a party's turn or of free talk where a party can neither close the conversation nor move the deal
-- to an operator or a refund; and situations where the step of a block cannot be taken. P9: an
-- operator can act wherever a party, an operator or the provider is awaited.
create or replace function private.refute_exits(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
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
      where l.is_granted and l.role is not null and there.place in ('end', 'platform')
    );

  return query
  select
    'P5',
    format('A block by the %s in %s cannot do %s.', party.role, m.state, s.on_block), m.key,
    null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_definitions as f on f.id = p_flow_id
  cross join unnest(private.list_party_roles(f.kind)) as party (role)
  where s.on_block is not null and m.money <> 'broken'
    and (m.key, party.role, s.on_block) not in (
      select b.from_key, b.role, b.action
      from unnest(p_moves) as b
      where b.is_certain and b.from_key is not null
    );

  return query
  select 'P9', format('No operator can act in %s.', m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where p.place in ('turn', 'platform') and m.money <> 'broken'
    and m.key not in (
      select a.from_key from unnest(p_moves) as a where a.role = 'admin' and a.is_certain
    );
end;
$$;
