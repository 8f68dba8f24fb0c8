-- Shape: what one row says of another is there. Finds time limits, blocks and follow-ups whose
-- action has no row; actions of users that are not drawn, and drawn ones that do not exist; inputs
-- and messages of nothing; limits of inputs that leave nothing to type.
create or replace function private.refute_links(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_parties constant text[] := (
    select private.list_party_roles(f.kind)
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
begin
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  said (message) as (
    select format('After its time limit %s does %s, which has no row.', s.state, s.deadline_action)
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.deadline_action is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = s.state and t.role = 'system' and t.action = s.deadline_action
      )
    union all
    select format('A block by the %s in %s does %s, which has no row.', p.role, s.state, s.on_block)
    from private.flow_states as s
    cross join unnest(v_parties) as p (role)
    where s.flow_id = p_flow_id and s.on_block is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = s.state and t.role = p.role and t.action = s.on_block
      )
    union all
    select format('%s is followed by %s, which has no row in %s.', t.name, t.follow_up, t.to_state)
    from rows_of_flow as t
    where t.follow_up is not null
      and not exists (
        select from rows_of_flow as n
        where n.from_state = t.to_state and n.action = t.follow_up
          and n.role in (t.role, 'system')
      )
    union all
    select format('The %s''s %s in %s is not drawn.', t.role, t.action, t.from_state)
    from rows_of_flow as t
    where t.role = any (v_parties) and t.from_state <> 'initial'
      and not exists (
        select from private.flow_actions as a
        where a.flow_id = p_flow_id and a.state = t.from_state and a.role = t.role
          and a.action = t.action
      )
    union all
    select format('The %s''s %s in %s is drawn and has no row.', a.role, a.action, a.state)
    from private.flow_actions as a
    where a.flow_id = p_flow_id
      and not exists (
        select from rows_of_flow as t
        where t.from_state = a.state and t.role = a.role and t.action = a.action
      )
    union all
    select format('%s has the input %s and no row.', i.action, i.field)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and not exists (select from rows_of_flow as t where t.action = i.action)
    union all
    select format('The input %s of %s has its min above its max.', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.min > i.max
    union all
    select format('There is a message of %s, which is no row.', m.transition)
    from private.flow_messages as m
    where m.flow_id = p_flow_id
      and not exists (select from rows_of_flow as t where t.name = m.transition)
    union all
    select format('Line %s of the walk "%s" is not "role action state".', l.number, w.name)
    from private.flow_traces as w
    cross join lateral unnest(string_to_array(trim(w.steps, e' \n'), e'\n'))
      with ordinality as l (text, number)
    where w.flow_id = p_flow_id and trim(l.text) !~ '^\S+\s+\S+\s+\S+$'
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;

revoke all on function private.refute_links(bigint)
from public, anon, authenticated, service_role;
