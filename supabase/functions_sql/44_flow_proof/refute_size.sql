-- Shape: a spec is of a size that a flow can have. Finds whole specs, lists and texts that are too
-- large; looks no further when one is.
create or replace function private.refute_size(p_spec jsonb)
returns table (property text, message text)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_bytes constant integer := 2 * 1024 * 1024;
  c_characters constant integer := 5000;
  c_lists constant jsonb := jsonb_build_object(
    'states', 200, 'transitions', 2000, 'messages', 2000, 'actions', 2000, 'inputs', 2000,
    'traces', 200
  );
  v_lists constant jsonb := (
    select coalesce(jsonb_object_agg(l.key, l.value), '{}')
    from jsonb_each(case jsonb_typeof(p_spec) when 'object' then p_spec else '{}' end) as l
    where c_lists ? l.key and jsonb_typeof(l.value) = 'array'
  );
begin
  if octet_length(p_spec::text) > c_bytes then
    return query select 'shape', 'The flow is larger than 2 MB.';
    return;
  end if;
  return query
  select 'shape', format('There are more than %s %s.', most.value, most.key)
  from jsonb_each(c_lists) as most
  where jsonb_array_length(v_lists -> most.key) > most.value::integer;
  if found then
    return;
  end if;
  return query
  select distinct
    'shape',
    format('One of the %s has a %s of more than %s characters.', l.key, c.key, c_characters)
  from jsonb_each(v_lists) as l
  cross join lateral jsonb_array_elements(l.value) as item (body)
  cross join lateral jsonb_each_text(
    case jsonb_typeof(item.body) when 'object' then item.body else '{}' end
  ) as c
  where char_length(c.value) > c_characters;
end;
$$;

revoke all on function private.refute_size(jsonb)
from public, anon, authenticated, service_role;
