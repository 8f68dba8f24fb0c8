-- P10: what an action does is never a choice. Finds two rows for one role and action that can both
-- be taken in one situation.
create or replace function private.refute_choices(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
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
end;
$$;

revoke all on function private.refute_choices(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
