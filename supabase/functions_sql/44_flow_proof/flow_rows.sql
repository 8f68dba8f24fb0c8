-- The transitions of every flow, numbered, with what the proof needs to know of each as a whole.
--
-- is_certain: nothing but the situation and the actor decides whether it can be taken. undoes: it
-- takes back a step of the actor's own. is_timer: a clock takes it. moves_money: it names effects
-- that do; those must find the money in money_before.
create or replace view private.flow_rows as
select
  t.flow_id,
  row_number() over (
    partition by t.flow_id order by t.from_state, t.role, t.action, t.position
  )::integer as number,
  t.name,
  t.role,
  t.action,
  t.guards,
  t.from_state,
  t.to_state,
  t.awaiting,
  t.effects,
  not exists (
    select from private.flow_guards as g
    where g.name = any (t.guards) and g.certainty = 'open'
  ) as is_certain,
  exists (
    select from private.flow_guards as g where g.name = any (t.guards) and g.undoes
  ) as undoes,
  t.role = 'system' and exists (
    select from private.flow_states as s
    where s.flow_id = t.flow_id and s.deadline_action = t.action
  ) as is_timer,
  money.moves as moves_money,
  money.before as money_before,
  money.after as money_after
from private.flow_transitions as t
cross join lateral (
  select count(*) > 0, min(e.money_before), max(e.money_after)
  from private.flow_effects as e
  where e.name = any (t.effects) and e.money_after is not null
) as money (moves, before, after);

revoke all on private.flow_rows from public, anon, authenticated, service_role;
