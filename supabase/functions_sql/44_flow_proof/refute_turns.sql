-- P4: the awaited party can advance the deal, and the other one cannot. P10: an action never has
-- two possible results. Finds two rows for one role and action that can both be taken in one
-- situation. P11: a party is awaited where it is a party's turn, and a conversation's data match
-- its state. A dispute is open exactly where the deal waits for an operator, a pause is stored
-- while it lasts, and every open request can still be answered.
create or replace function private.refute_turns(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  -- An action advances the deal, for a role in a state, when in some situation there it leads
  -- nearer to the good end: closing, cancelling, disputing and asking for more time do not. Taking
  -- back an own step (private.flow_guards.undoes) does not count. The awaited party must be able to
  -- advance without an `open` guard.
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

  return query
  select
    'P10',
    format(
      'The %s''s %s in %s may be %s.',
      m.role, m.action, m.from_state, string_agg(distinct r.name || ' to ' || r.to_state, ' or ')
    ),
    m.from_key, null::integer
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  group by m.from_key, m.from_state, m.role, m.action
  having count(*) > 1;

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

  return query
  -- Requests that can be answered, by the guard that requires one.
  with answered as materialized (
    select m.from_key, g.name
    from unnest(p_moves) as m
    join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
    cross join lateral unnest(r.guards) as g (name)
    where g.name in ('is_requester', 'has_extension')
  )
  select 'P11', said.message, m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  cross join lateral (
    select 'No dispute is open where an operator decides.'
    where s.waiting_on = 'admin' and m.dispute_origin is null
    union all
    select 'A dispute is still open where no operator decides.'
    where s.waiting_on <> 'admin' and m.dispute_origin is not null
    union all
    select 'A request to cancel is still open where it cannot be withdrawn.'
    where m.requester is not null
      and (m.key, 'is_requester') not in (select a.from_key, a.name from answered as a)
    union all
    select 'A request for more time is still open where it cannot be answered.'
    where m.has_extension
      and (m.key, 'has_extension') not in (select a.from_key, a.name from answered as a)
    union all
    select 'A pause is still remembered when it is over.'
    where m.resume_state is not null and m.requester is null and m.dispute_origin is null
  ) as said (message)
  where m.money <> 'broken';
end;
$$;

-- For each situation, the number of steps to the deal's good end (free talk with the money
-- settled), when only the parties and the gateway act. Situations that cannot reach it in this way
-- are left out.
create or replace function private.measure_flow(
  p_flow_id bigint,
  p_moves private.flow_moves[]
)
returns table (key text, steps integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind constant text := (
    select f.kind from private.flow_definitions as f where f.id = p_flow_id
  );
  v_ring text[] := array(
    select distinct m.key
    from unnest(p_moves) as m
    join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
    where p.place = 'talk' and m.money = case v_kind when 'direct' then 'none' else 'settled' end
  );
  v_keys text[] := v_ring;
  v_steps integer[] := array_fill(0, array[cardinality(v_ring)]);
begin
  while cardinality(v_ring) > 0 loop
    v_ring := array(
      select distinct m.from_key
      from unnest(p_moves) as m
      join unnest(v_ring) as r (key) on r.key = m.key
      where m.role <> 'admin' and not m.is_timer
        and not exists (select from unnest(v_keys) as k (key) where k.key = m.from_key)
    );
    v_steps := v_steps
      || array_fill(v_steps[cardinality(v_steps)] + 1, array[cardinality(v_ring)]);
    v_keys := v_keys || v_ring;
  end loop;
  return query select known.key, known.steps from unnest(v_keys, v_steps) as known (key, steps);
end;
$$;
