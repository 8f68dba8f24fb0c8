-- Shape: the numbers of a flow are known, whole and within bounds, and a flow of deals has all.
-- Finds those that are not.
create or replace function private.refute_rules(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
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
      ('delivery_days', 1, 365),
      ('overdue_grace_days', 0, 365),
      ('attempt_hours', 1, 720),
      ('fee_basis_points', 0, 10000),
      ('rating_days', 1, 365)
  ) as b (name, low, high)
  full join jsonb_each_text(v_rules) as rule (name, value) on rule.name = b.name
  where case
    when b.name is null then true
    when rule.name is null then v_kind <> 'direct'
    when rule.value ~ '^[0-9]{1,6}$' then rule.value::integer not between b.low and b.high
    else true
  end;
end;
$$;

revoke all on function private.refute_rules(bigint)
from public, anon, authenticated, service_role;
