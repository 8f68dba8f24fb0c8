-- Shape: the objects of a flow's spec have the columns of the tables flow_… as keys, no others, so
-- that a misspelt one is no silent default. Finds the others.
create or replace function private.refute_keys(p_spec jsonb)
returns table (property text, message text)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  with lists (name, columns) as (
    values
      ('states', to_jsonb(jsonb_populate_record(null::private.flow_states, '{}'))),
      ('transitions', to_jsonb(jsonb_populate_record(null::private.flow_transitions, '{}'))),
      ('messages', to_jsonb(jsonb_populate_record(null::private.flow_messages, '{}'))),
      ('actions', to_jsonb(jsonb_populate_record(null::private.flow_actions, '{}'))),
      ('inputs', to_jsonb(jsonb_populate_record(null::private.flow_inputs, '{}'))),
      ('traces', to_jsonb(jsonb_populate_record(null::private.flow_traces, '{}')))
  )
  select 'shape', format('There is no list %s in a flow.', key.name)
  from jsonb_object_keys(p_spec) as key (name)
  where key.name not in ('kind', 'rules') and key.name not in (select l.name from lists as l)
  union
  select 'shape', format('%s have no %s.', l.name, key.name)
  from lists as l
  cross join lateral jsonb_array_elements(p_spec -> l.name) as item (body)
  cross join lateral jsonb_object_keys(item.body) as key (name)
  where key.name = 'flow_id' or not l.columns ? key.name
  order by 2;
end;
$$;

revoke all on function private.refute_keys(jsonb)
from public, anon, authenticated, service_role;
