-- P4: the awaited party can take the deal on, and the other one cannot.
--
-- An action takes it on, for a role in a state, when somewhere there it leads to fewer steps from
-- the good end: that leaves out ending, cancelling, disputing and asking for more time, which lead
-- away from it or nowhere. Taking back a step of one's own (private.flow_guards.undoes) is no way
-- on either. Nothing that the awaited party relies on may hang on an `open` guard.
create or replace function private.refute_turns(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  with steps as materialized (
    select s.key, s.steps from private.measure_flow(p_flow_id, p_moves) as s
  ),
  leading_on as (
    select distinct m.from_state, m.from_awaiting, m.role, m.action
    from unnest(p_moves) as m
    join steps as after on after.key = m.key
    left join steps as before on before.key = m.from_key
    where m.from_state <> 'initial' and m.role not in ('system', 'admin') and not m.undoes
      and (before.steps is null or after.steps < before.steps)
  ),
  progress as (
    select m.from_key, m.role, m.action, m.from_state, m.from_awaiting, m.is_certain
    from unnest(p_moves) as m
    join leading_on as l
      on l.from_state = m.from_state and l.from_awaiting is not distinct from m.from_awaiting
      and l.role = m.role and l.action = m.action
  )
  select
    'P4', format('The %s is awaited in %s and cannot go on.', m.awaiting, m.state), m.key,
    null::integer
  from unnest(p_moves) as m
  where m.awaiting is not null and m.money <> 'broken'
    and (m.key, m.awaiting) not in (
      select p.from_key, p.role from progress as p where p.is_certain
    )
  union all
  select
    'P4',
    format('The %s is not awaited in %s and goes on by %s.', p.role, p.from_state, p.action),
    p.from_key, null
  from progress as p
  where p.role is distinct from p.from_awaiting;
end;
$$;

revoke all on function private.refute_turns(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
