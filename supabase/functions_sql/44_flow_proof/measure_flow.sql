-- How many steps a deal is away from its good end (free talk with the money settled) in each
-- situation, when the parties and the gateway do their part: operators and clocks take no step.
-- Situations that cannot come there in this way are left out.
create or replace function private.measure_flow(
  p_flow_id bigint,
  p_moves private.flow_moves[]
)
returns table (key text, steps integer)
language plpgsql
stable
security invoker
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

revoke all on function private.measure_flow(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
