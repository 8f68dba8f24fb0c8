-- P1: what is in the flow can happen. Finds states that nothing leads to and rows that can never be
-- taken; the counter-example of a row is the way to where it should be possible.
create or replace function private.refute_reach(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select 'P1', format('Nothing ever leads to %s.', s.state), null::text, null::integer
  from private.flow_states as s
  where s.flow_id = p_flow_id
    and not exists (select from unnest(p_moves) as m where m.state = s.state)
  union all
  select
    'P1',
    format('%s can never be taken: %s by the %s in %s.', r.name, r.action, r.role, r.from_state),
    (
      select m.key from unnest(p_moves) as m
      where m.state = r.from_state
      order by m.depth, m.key
      limit 1
    ),
    null
  from private.flow_rows as r
  where r.flow_id = p_flow_id
    and not exists (select from unnest(p_moves) as m where m.number = r.number);
end;
$$;

revoke all on function private.refute_reach(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
