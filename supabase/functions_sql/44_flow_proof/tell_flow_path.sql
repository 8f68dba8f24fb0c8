-- The way to a situation, as an array of "role action -> state" from the beginning; then the row of
-- that number, if there is one. Null as the situation gives an empty array.
--
-- Args: of the moves that the search found, the first into each situation.
create or replace function private.tell_flow_path(
  p_first_moves private.flow_moves[],
  p_key text,
  p_flow_id bigint,
  p_number integer
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    with recursive way (depth, from_key, step) as (
      select m.depth, m.from_key, format('%s %s -> %s', m.role, m.action, m.state)
      from unnest(p_first_moves) as m
      where m.key = p_key
      union all
      select m.depth, m.from_key, format('%s %s -> %s', m.role, m.action, m.state)
      from way as w
      join unnest(p_first_moves) as m on m.key = w.from_key
    ),
    steps (depth, step) as (
      select w.depth, w.step from way as w where w.from_key is not null
      union all
      select null, format('%s %s -> %s', r.role, r.action, r.to_state)
      from private.flow_rows as r
      where r.flow_id = p_flow_id and r.number = p_number
    )
    select coalesce(jsonb_agg(s.step order by s.depth nulls last), '[]') from steps as s
  );
end;
$$;

revoke all on function private.tell_flow_path(private.flow_moves[], text, bigint, integer)
from public, anon, authenticated, service_role;
