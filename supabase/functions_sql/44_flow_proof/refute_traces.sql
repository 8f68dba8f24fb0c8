-- P12: the walks that are stored with the flow can be taken. Finds the first impossible line of
-- each; the counter-example is the walk up to it.
create or replace function private.refute_traces(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, counter_example jsonb)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  with recursive lines as materialized (
    select
      t.name, line.number::integer as number, split_part(line.text, ' ', 1) as role,
      split_part(line.text, ' ', 2) as action, split_part(line.text, ' ', 3) as state
    from private.flow_traces as t
    cross join lateral unnest(string_to_array(trim(t.steps, e' \n'), e'\n'))
      with ordinality as raw (text, number)
    cross join lateral (
      select regexp_replace(trim(raw.text), '\s+', ' ', 'g'), raw.number
    ) as line (text, number)
    where t.flow_id = p_flow_id
  ),
  walked (name, number, key) as (
    select t.name, 0, m.key
    from private.flow_traces as t
    cross join unnest(p_moves) as m
    where t.flow_id = p_flow_id and m.from_key is null
    union
    select w.name, l.number, m.key
    from walked as w
    join lines as l on l.name = w.name and l.number = w.number + 1
    join unnest(p_moves) as m
      on m.from_key = w.key and m.role = l.role and m.action = l.action and m.state = l.state
    where m.money <> 'broken'
  ),
  stopped as (
    select w.name, max(w.number) + 1 as number from walked as w group by w.name
  )
  select
    'P12',
    format(
      'The walk "%s" stops at its line %s: the %s cannot %s to %s.',
      l.name, l.number, l.role, l.action, l.state
    ),
    (
      select jsonb_agg(
        format('%s %s -> %s', before.role, before.action, before.state) order by before.number
      )
      from lines as before
      where before.name = l.name and before.number <= l.number
    )
  from stopped as s
  join lines as l on l.name = s.name and l.number = s.number;
end;
$$;
