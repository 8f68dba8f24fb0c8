-- P5: blocking the other side always works. Finds situations of a state where what a block does
-- cannot be done by one of the parties.
create or replace function private.refute_blocks(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
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
end;
$$;

revoke all on function private.refute_blocks(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
