-- Everything that can happen in a flow: every move from every situation that can be reached, and
-- the moves that open conversations. Null for a flow with too many situations to prove it soon.
--
-- A breadth-first search, two statements a level. The rules bound it: private.refute_rules.
create or replace function private.walk_flow(p_flow_id bigint)
returns private.flow_moves[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- Five times as many as our flows have with the largest rules.
  c_most constant integer := 5000;
  v_newest private.flow_moves[] := array(
    select m from private.flow_moves as m where m.flow_id = p_flow_id
  );
  v_moves private.flow_moves[] := v_newest;
  v_taken private.flow_moves[];
  v_keys text[] := array[]::text[];
begin
  loop
    v_keys := v_keys || array(select n.key from unnest(v_newest) as n);
    v_taken := array(select t from private.take_flow_rows(p_flow_id, v_newest) as t);
    v_newest := array(
      select distinct on (t.key) t
      from unnest(v_taken) as t
      where not exists (select from unnest(v_keys) as k (key) where k.key = t.key)
      order by t.key, t.from_key, t.number
    );
    v_moves := v_moves || v_taken;
    exit when cardinality(v_newest) = 0;
    if cardinality(v_keys) + cardinality(v_newest) > c_most then
      return null;
    end if;
  end loop;
  return v_moves;
end;
$$;

revoke all on function private.walk_flow(bigint)
from public, anon, authenticated, service_role;
