-- P6: no deal goes on for ever by deadlines alone. Finds situations that lead back to themselves by
-- deadlines and their follow-ups only; the counter-example is one round. P13: every round of the
-- flow uses up a part of an allowance. Finds situations to which parties and deadlines lead back
-- without a move that counts down; operators and facts from outside may go round without a limit.
-- The counter-example is the shortest round, after the shortest way to it.
--
-- Args: all moves that the search found, and the first of them into each situation.
create or replace function private.refute_loops(
  p_flow_id bigint,
  p_moves private.flow_moves[],
  p_first_moves private.flow_moves[]
)
returns table (property text, message text, counter_example jsonb)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select
    'P6',
    format('A conversation in %s may come back there by itself, for ever.', round.state),
    round.steps
  from private.find_round(array(
    select m
    from unnest(p_moves) as m
    where m.is_timer
      or exists (
        select from private.flow_transitions as t
        where t.flow_id = p_flow_id and t.to_state = m.from_state and t.follow_up = m.action
          and m.role in (t.role, 'system')
      )
  )) as round;
  if found then
    return;
  end if;

  return query
  select
    'P13',
    format('Nothing counts down on a way from %s back to it.', round.state),
    private.tell_flow_path(p_first_moves, round.key, p_flow_id, null) || round.steps
  from private.find_round(array(
    select m
    from unnest(p_moves) as m
    -- A move that does not change the situation is no round: a payment that is tried again.
    where m.from_key <> m.key and m.role <> 'admin' and not m.is_fact and not m.counts_down
  )) as round;
end;
$$;

-- The shortest round of these moves: its first situation and its steps; no row without a round. Of
-- several the round that begins nearest to the beginning.
create or replace function private.find_round(p_moves private.flow_moves[])
returns table (key text, state text, steps jsonb)
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Reduced to the moves that are part of a round, or on the way from one round to another.
  v_moves private.flow_moves[] := p_moves;
  v_count integer;
  -- Ways of one length: the first and the present situation of each, and its steps, a line each.
  v_starts text[];
  v_keys text[];
  v_ways text[];
  v_known text[] := array[]::text[];
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

  v_starts := array(select distinct m.from_key from unnest(v_moves) as m);
  v_keys := v_starts;
  v_ways := array_fill(''::text, array[cardinality(v_starts)]);
  while cardinality(v_starts) > 0 loop
    select array_agg(w.start), array_agg(w.at), array_agg(w.way)
    into v_starts, v_keys, v_ways
    from (
      select distinct on (before.start, m.key)
        before.start, m.key as at,
        concat_ws(e'\n', nullif(before.way, ''), format('%s %s -> %s', m.role, m.action, m.state))
          as way
      from unnest(v_starts, v_keys, v_ways) as before (start, at, way)
      join unnest(v_moves) as m on m.from_key = before.at
      where before.start || ' ' || m.key <> all (v_known)
      order by before.start, m.key, m.number
    ) as w;
    v_known := v_known || array(
      select w.start || ' ' || w.at from unnest(v_starts, v_keys) as w (start, at)
    );

    return query
    select m.from_key, m.from_state, to_jsonb(string_to_array(w.way, e'\n'))
    from unnest(v_starts, v_keys, v_ways) as w (start, at, way)
    join unnest(v_moves) as m on m.from_key = w.start
    where w.at = w.start
    order by m.depth, m.from_key
    limit 1;
    exit when found;
  end loop;
end;
$$;
