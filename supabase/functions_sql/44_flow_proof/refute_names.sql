-- Shape: rows name what exists. Finds unknown guards and effects, several effects on the money in
-- one row, roles that the kind does not have, states without their beginning or end, and rows that
-- close a conversation without the effect of that name, or have it and do not.
create or replace function private.refute_names(p_flow_id bigint)
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
  select 'shape', said.message, null::text, null::integer
  from private.flow_transitions as t
  cross join lateral (
    select format('%s names the unknown guard %s.', t.name, g.name)
    from unnest(t.guards) as g (name)
    where g.name is null or g.name not in (select k.name from private.flow_guards as k)
    union all
    select format('%s names the unknown effect %s.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where e.name is null or e.name not in (select k.name from private.flow_effects as k)
    union all
    select format('%s moves the money more than once.', t.name)
    from private.flow_effects as k
    where k.name = any (t.effects) and k.money_after is not null
    having count(*) > 1
    union all
    select format('%s is for the %s, whom this kind does not have.', t.name, t.role)
    where t.role <> all (v_parties || '{system,admin}'::text[])
    union all
    select format('%s awaits the %s, whom this kind does not have.', t.name, t.awaiting)
    where t.awaiting not in ('other', 'unchanged') and t.awaiting <> all (v_parties)
    union all
    select format('%s awaits the other party, but no party takes it.', t.name)
    where t.awaiting = 'other' and t.role <> all (v_parties)
    union all
    select format('%s leads to initial, where nothing can be.', t.name)
    where t.to_state = 'initial'
    union all
    select format('%s begins a conversation, but no party takes it.', t.name)
    where t.from_state = 'initial' and t.role <> all (v_parties)
    union all
    select format('%s leads to chat_closed without the effect close.', t.name)
    where t.to_state = 'chat_closed' and t.from_state <> 'chat_closed'
      and 'close' <> all (t.effects)
    union all
    select format('%s has the effect close and does not lead to chat_closed.', t.name)
    where (t.to_state <> 'chat_closed' or t.from_state = 'chat_closed')
      and 'close' = any (t.effects)
  ) as said (message)
  where t.flow_id = p_flow_id
  union all
  select 'shape', format('The state %s is missing.', needed.state), null, null
  from unnest('{initial,chat_closed}'::text[]) as needed (state)
  where not exists (
    select from private.flow_states as s
    where s.flow_id = p_flow_id and s.state = needed.state
  );
end;
$$;

revoke all on function private.refute_names(bigint)
from public, anon, authenticated, service_role;
