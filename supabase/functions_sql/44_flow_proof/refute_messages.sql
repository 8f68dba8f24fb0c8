-- Shape: messages reach somebody who can do what they offer. Finds messages to the actor where no
-- party acts or to one of two members, offers of what their reader may not do next, and rows that
-- lead to somebody's turn without an automated message that says so.
create or replace function private.refute_messages(p_flow_id bigint)
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
  -- Each message of each row, with the parties that read it.
  read as materialized (
    select
      t.name, t.role, t.action, t.from_state, t.to_state, m.position, m.message_type, m.audience,
      m.buttons, reader.role as reader
    from private.flow_messages as m
    join rows_of_flow as t on t.name = m.transition
    left join unnest(v_parties) as reader (role)
      on case m.audience
        when 'all' then true
        when 'actor' then reader.role = t.role
        when 'other' then t.role = any (v_parties) and reader.role <> t.role
        else reader.role = m.audience
      end
    where m.flow_id = p_flow_id
  ),
  said (message) as (
    select format('A message of %s is for the %s, and there is none.', r.name, r.audience)
    from read as r
    where r.reader is null
    union all
    select format('A message of %s is for the %s, but members read everything.', r.name, r.audience)
    from read as r
    where r.reader = 'member' and r.audience <> 'all'
    union all
    select
      format('%s calls on the %s, who may do nothing in %s.', r.name, r.reader, r.to_state)
    from read as r
    where r.message_type = 'automated' and r.reader is not null
      and not exists (
        select from rows_of_flow as t where t.from_state = r.to_state and t.role = r.reader
      )
    union all
    select
      format('%s offers %s to the %s, who may not in %s.', r.name, b.action, r.reader, r.to_state)
    from read as r
    cross join lateral jsonb_object_keys(
      case jsonb_typeof(r.buttons) when 'object' then r.buttons else '{}' end
    ) as b (action)
    where r.reader is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = r.to_state and t.role = r.reader and t.action = b.action
      )
    union all
    select format('The buttons of a message of %s are no object of texts.', r.name)
    from read as r
    where jsonb_typeof(r.buttons) <> 'object'
      or r.buttons @? 'strict $.* ? (@.type() != "string" && @.type() != "null")'
    union all
    select
      format('%s leads to the turn of the %s and does not call on them.', t.name, next.role)
    from rows_of_flow as t
    cross join lateral (
      select case
        when t.awaiting = 'other' then private.other_role(t.role)
        else t.awaiting
      end
    ) as next (role)
    where t.to_state <> t.from_state and next.role = any (v_parties)
      and not exists (
        select from read as r
        where r.name = t.name and r.role = t.role and r.action = t.action
          and r.from_state = t.from_state and r.to_state = t.to_state
          and r.message_type = 'automated' and r.reader = next.role
      )
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;

revoke all on function private.refute_messages(bigint)
from public, anon, authenticated, service_role;
