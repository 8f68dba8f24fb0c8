-- Shape: the numbers of a flow are within bounds, and actions have the inputs that their effects
-- and guards read, as private.flow_needs has them.
create or replace function private.refute_inputs(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
begin
  -- Fields that are missing, optional, of another type, with wider bounds, or in the history where
  -- they must be secret; and required fields of moves that happen without an input.
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  inputs as materialized (
    select complete.*
    from private.flow_inputs as i
    cross join lateral private.complete_limits(i) as complete
    where i.flow_id = p_flow_id
  ),
  needed as (
    select distinct t.action, n.*
    from rows_of_flow as t
    join private.flow_needs as n
      on n.name = any (t.effects || t.guards) and coalesce(n.role, t.role) = t.role
  ),
  unasked (action) as (
    select s.deadline_action from private.flow_states as s where s.flow_id = p_flow_id
    union
    select s.on_block from private.flow_states as s where s.flow_id = p_flow_id
    union
    select t.action from rows_of_flow as t where t.from_state = 'initial'
    union
    select next.action
    from rows_of_flow as t
    join rows_of_flow as next
      on next.from_state = t.to_state and next.action = t.follow_up and next.role = 'system'
  ),
  said (message) as (
    select format('%s must have the required input %s, which %s needs.', n.action, n.field, n.name)
    from needed as n
    left join inputs as i on i.action = n.action and i.field = n.field
    where n.is_required and i.required is not true
    union all
    select wrong.message
    from needed as n
    join inputs as i on i.action = n.action and i.field = n.field
    cross join lateral (
      select format(
        'The input %s of %s must be of type %s, which %s needs.',
        n.field, n.action, array_to_string(n.types, ' or '), n.name
      )
      where i.type <> all (n.types)
      union all
      select format(
        'The input %s of %s must be from %s to %s, which %s needs.',
        n.field, n.action, n.low, n.high, n.name
      )
      where n.low is not null and (i.min >= n.low and i.max <= n.high) is not true
      union all
      select format(
        'The input %s of %s must have a max_length of %s at most, which %s needs.',
        n.field, n.action, n.max_length, n.name
      )
      where i.max_length > n.max_length
      union all
      select format(
        'The input %s of %s must be secret, which %s needs.', n.field, n.action, n.name
      )
      where n.is_secret and not i.is_secret
    ) as wrong (message)
    union all
    select format('%s happens without any input, but its input %s is required.', i.action, i.field)
    from inputs as i
    join unasked as u on u.action = i.action
    where i.required
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;

-- Shape: the numbers of a flow are known, whole and within bounds, and a flow of deals has all.
-- Finds the others.
create or replace function private.refute_rules(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind text;
  v_rules jsonb;
begin
  select f.kind, f.rules into strict v_kind, v_rules
  from private.flow_definitions as f
  where f.id = p_flow_id;

  return query
  select
    'shape',
    case
      when b.name is null then format('There is no rule %s.', rule.name)
      when rule.name is null then format('The rule %s is missing.', b.name)
      else format('The rule %s must be a whole number from %s to %s.', b.name, b.low, b.high)
    end,
    null::text, null::integer
  from (
    values
      ('max_rounds', 1, 20),
      ('max_revisions', 0, 50),
      ('max_questions', 0, 100),
      ('max_returns', 0, 100),
      ('max_withdrawals', 0, 100),
      ('max_extensions', 0, 100),
      ('max_cancellations', 0, 100),
      ('max_disputes', 0, 100),
      ('max_closings_a_day', 1, 100),
      ('delivery_days', 1, 365),
      ('revision_days', 1, 365),
      ('overdue_grace_days', 0, 365),
      ('attempt_hours', 1, 720),
      ('fee_basis_points', 0, 10000),
      ('rating_days', 1, 365)
  ) as b (name, low, high)
  full join jsonb_each_text(v_rules) as rule (name, value) on rule.name = b.name
  where case
    when b.name is null then true
    when rule.name is null then v_kind <> 'direct' and b.name <> 'max_closings_a_day'
    when rule.value ~ '^[0-9]{1,6}$' then rule.value::integer not between b.low and b.high
    else true
  end;
end;
$$;
