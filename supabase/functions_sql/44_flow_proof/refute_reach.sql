-- P1: every state can be reached and every row can be taken. Finds the others; the counter-example
-- of a row is the way to a situation where it should be possible. P2: no dead end. Finds situations
-- from which the conversation can never be closed. P3: until it is closed or being refunded, a
-- conversation can still reach a good end: free talk, in a deal with the money settled.
create or replace function private.refute_reach(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
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

  return query
  with recursive closable (key) as (
    select m.key
    from unnest(p_moves) as m
    where m.state = 'chat_closed' or m.money = 'broken'
    union
    select m.from_key
    from closable as c
    join unnest(p_moves) as m on m.key = c.key
    where m.from_key is not null
  )
  select
    'P2', format('A conversation in %s can never be closed.', m.state), m.key, null::integer
  from unnest(p_moves) as m
  where m.key not in (select c.key from closable as c);

  return query
  with recursive hopeful (key) as (
    select m.key
    from unnest(p_moves) as m
    join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
    join private.flow_definitions as f on f.id = p_flow_id
    where m.money = 'broken'
      or p.place = 'talk' and m.money = case f.kind when 'direct' then 'none' else 'settled' end
    union
    select m.from_key
    from hopeful as h
    join unnest(p_moves) as m on m.key = h.key
    where m.from_key is not null
  )
  select
    'P3',
    format('In %s with money %s nothing can lead to a good end any more.', m.state, m.money),
    m.key, null::integer
  from unnest(p_moves) as m
  where m.state <> 'chat_closed' and m.money in ('none', 'held')
    and m.key not in (select h.key from hopeful as h);
end;
$$;
