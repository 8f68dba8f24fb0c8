-- The proof of a flow: `{states, extended_states, edges, violations: [{property, message,
-- counter_example}]}`, of the properties P1 to P15 and of its shape. A flow that breaks any cannot
-- be published; docs/FLOW.md explains them.
--
-- Each message comes once, with the shortest way to the fault, as an array of "role action ->
-- state" from the beginning.
create or replace function private.prove_flow(p_flow_id bigint)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_moves private.flow_moves[];
  v_first_moves private.flow_moves[];
  v_violations jsonb;
begin
  v_violations := (
    select jsonb_agg(
      jsonb_build_object(
        'property', r.property, 'message', r.message, 'counter_example', '[]'::jsonb
      )
      order by r.message
    )
    from private.refute_rules(p_flow_id) as r
  );
  -- Without valid rules the search has no bounds.
  if v_violations is null then
    v_moves := private.walk_flow(p_flow_id);
    if v_moves is null then
      v_violations := jsonb_build_array(jsonb_build_object(
        'property', 'shape',
        'message', 'Too much is possible in the flow: name fewer states, or lower rules.',
        'counter_example', '[]'::jsonb
      ));
    end if;
  end if;
  if v_violations is not null then
    return jsonb_build_object(
      'states', 0, 'extended_states', 0, 'edges', 0, 'violations', v_violations
    );
  end if;

  v_first_moves := array(
    select distinct on (m.key) m
    from unnest(v_moves) as m
    order by m.key, m.depth, m.from_key, m.number
  );

  with broken as materialized (
    select r.* from private.refute_rows(p_flow_id) as r
    union all select r.* from private.refute_inputs(p_flow_id) as r
    union all select r.* from private.refute_messages(p_flow_id) as r
    union all select r.* from private.refute_reach(p_flow_id, v_moves) as r
    union all select r.* from private.refute_turns(p_flow_id, v_moves) as r
    union all select r.* from private.refute_exits(p_flow_id, v_moves) as r
    union all select r.* from private.refute_clocks(p_flow_id, v_moves) as r
    union all select r.* from private.refute_money(p_flow_id, v_moves, v_first_moves) as r
  ),
  nearest as (
    select distinct on (b.property, b.message) b.*
    from broken as b
    left join unnest(v_first_moves) as m on m.key = b.key
    order by b.property, b.message, m.depth, b.key, b.number
  ),
  told (property, message, counter_example) as (
    select
      n.property, n.message,
      private.tell_flow_path(v_first_moves, n.key, p_flow_id, n.number)
    from nearest as n
    union all select l.* from private.refute_loops(p_flow_id, v_moves, v_first_moves) as l
    union all select t.* from private.refute_traces(p_flow_id, v_moves) as t
  )
  select coalesce(
    -- P2 before P10, and the shape last.
    jsonb_agg(
      to_jsonb(t) order by t.property = 'shape', char_length(t.property), t.property, t.message
    ),
    '[]'
  )
  into v_violations
  from told as t;
  return jsonb_build_object(
    'states', (select count(distinct m.state) from unnest(v_moves) as m),
    'extended_states', cardinality(v_first_moves),
    'edges', (select count(m.from_key) from unnest(v_moves) as m),
    'violations', v_violations
  );
end;
$$;
