-- P6: nobody waits for ever, and no deal goes on for ever without anybody's step. Wherever a party
-- or an operator is awaited there is a time limit, it has something to count from, and what comes
-- after it can be taken in every situation and leads elsewhere. A provider is asked again instead,
-- so it needs no limit.
create or replace function private.refute_clocks(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select
    'P6',
    case
      when s.clock is null then format('%s has no time limit.', s.state)
      when s.clock = 'since_payment' and m.money = 'none'
        then format('The time limit of %s counts from a payment that is not there.', s.state)
      else format('The time limit of %s leads nowhere.', s.state)
    end,
    m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where (
      p.place = 'turn' or p.place = 'platform' and s.waiting_on <> 'provider'
      or s.clock is not null
    )
    and m.money <> 'broken'
    and (
      s.clock = 'since_payment' and m.money = 'none'
      or (m.key, coalesce(s.deadline_action, '')) not in (
        select t.from_key, t.action
        from unnest(p_moves) as t
        where t.role = 'system' and t.is_certain and t.state <> t.from_state
      )
    );
end;
$$;

-- P6: no deal goes on for ever by itself. Finds situations that lead back to themselves by nothing
-- but time limits and what follows on them at once; whoever read such a deal would wait for ever.
--
-- The counter-example is one round of such a way.
create or replace function private.refute_loops(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, counter_example jsonb)
language plpgsql
stable
set search_path = ''
as $$
declare
  -- In the end those moves that are part of a round, or on the way from one to another.
  v_moves private.flow_moves[] := array(
    select m
    from unnest(p_moves) as m
    where m.from_key is not null
      and (
        m.is_timer
        or exists (
          select from private.flow_transitions as t
          where t.flow_id = p_flow_id and t.to_state = m.from_state and t.follow_up = m.action
            and m.role in (t.role, 'system')
        )
      )
  );
  v_count integer;
begin
  loop
    v_count := cardinality(v_moves);
    v_moves := array(
      select m
      from unnest(v_moves) as m
      where m.key in (select after.from_key from unnest(v_moves) as after)
        and m.from_key in (select before.key from unnest(v_moves) as before)
    );
    exit when cardinality(v_moves) = v_count;
  end loop;

  return query
  with recursive onward as materialized (
    select distinct on (m.from_key) m.* from unnest(v_moves) as m order by m.from_key, m.number
  ),
  way (key, keys, states, steps) as (
    (
      select m.from_key, array[]::text[], array[]::text[], array[]::text[]
      from onward as m
      order by m.depth, m.from_key
      limit 1
    )
    union all
    select
      m.key, w.keys || w.key, w.states || m.from_state,
      w.steps || format('%s %s -> %s', m.role, m.action, m.state)
    from way as w
    join onward as m on m.from_key = w.key
    where w.key <> all (w.keys)
  )
  select
    'P6',
    format('A conversation in %s may come back there by itself, for ever.', w.states[round.begin]),
    to_jsonb(w.steps[round.begin:])
  from way as w
  cross join lateral (select array_position(w.keys, w.key)) as round (begin)
  where round.begin is not null;
end;
$$;
