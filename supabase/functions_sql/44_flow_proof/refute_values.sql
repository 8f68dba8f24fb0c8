-- Shape: what stands in a row is something that the engine can use. Finds times that are too short
-- or too long, work statuses that conversations do not have, buttons that carry no texts, and names
-- and limits that no client could use.
create or replace function private.refute_values(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_work_statuses constant text[] := array[
    'in_progress', 'submitted', 'revision_requested', 'approved', 'cancelled', 'disputed'
  ];
  -- The largest integer that is exact in JSON everywhere: RFC 8259, section 6.
  c_max_exact constant numeric := 9007199254740991;
begin
  return query
  with said (message) as (
    select format('The %s of %s must be from 1 minute to 10 years.', time.name, s.state)
    from private.flow_states as s
    cross join lateral (
      values ('lasts', s.lasts), ('resumes_with', s.resumes_with)
    ) as time (name, value)
    where s.flow_id = p_flow_id and time.value is not null
      and (
        time.value not between interval '1 minute' and interval '10 years'
        -- A sum of parts that take each other back may be a date that does not exist.
        or least(
          extract(year from time.value), extract(month from time.value),
          extract(day from time.value), extract(hour from time.value),
          extract(minute from time.value), extract(second from time.value)
        ) < 0
      )
    union all
    select format('%s has the work status %s, which does not exist.', s.state, s.work_status)
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.work_status <> all (c_work_statuses)
    union all
    select
      format('What the %s''s %s in %s carries is no object of texts.', a.role, a.action, a.state)
    from private.flow_actions as a
    where a.flow_id = p_flow_id
      and (
        jsonb_typeof(a.data) <> 'object' or a.data @? 'strict $.* ? (@.type() != "string")'
      )
    union all
    select format('The name of the row "%s" has more than letters, digits and "_".', t.name)
    from private.flow_transitions as t
    where t.flow_id = p_flow_id and t.name !~ '^[A-Za-z0-9_]{1,62}$'
    union all
    select format('The reason of %s has more than a to z, "_" and braces.', t.name)
    from private.flow_transitions as t
    where t.flow_id = p_flow_id and t.reason !~ '^[a-z_{}]{1,100}$'
    union all
    select format('The input "%s" of %s has more than a to z, digits and "_".', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.field !~ '^[a-z][a-z0-9_]{0,62}$'
    union all
    select format(
      'The input %s of %s is named like a price in paise, which only the engine adds.',
      i.field, i.action
    )
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.field like '%\_minor' and i.field <> 'amount_minor'
    union all
    select format('The input %s of %s has a limit that is no number.', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and not (
        coalesce(i.min, 0) between -c_max_exact and c_max_exact
        and coalesce(i.max, 0) between -c_max_exact and c_max_exact
      )
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;

revoke all on function private.refute_values(bigint)
from public, anon, authenticated, service_role;
