-- The transitions of every flow, numbered, with what the proof needs to know of each as a whole.
--
-- is_certain: nothing but the situation and the actor decides whether it can be taken. undoes: it
-- takes back a step of the actor's own. is_timer: a clock takes it. moves_money: it names an effect
-- that does, and that must find the money in money_before.
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
  not t.guards && array(
    select g.name from private.flow_guards as g where g.certainty = 'open'
  ) as is_certain,
  t.guards && array(select g.name from private.flow_guards as g where g.undoes) as undoes,
  t.role = 'system' and t.action is not distinct from s.deadline_action as is_timer,
  mover.name is not null as moves_money,
  mover.money_before,
  mover.money_after
from private.flow_transitions as t
join private.flow_states as s on s.flow_id = t.flow_id and s.state = t.from_state
-- One at most, or private.refute_names finds the second.
left join lateral (
  select e.name, e.money_before, e.money_after
  from private.flow_effects as e
  where e.money_after is not null and e.name = any (t.effects)
  limit 1
) as mover on true;

revoke all on private.flow_rows from public, anon, authenticated, service_role;
