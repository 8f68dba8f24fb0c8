-- What each state of a flow is for: the `start` that nothing is ever stored in; `passing`, which
-- the system leaves in the same transaction; `platform`, where the provider or an operator is
-- waited for; `talk`, where text is free and no clock runs; the `end`; and everywhere else a `turn`
-- of a party, who may be free to talk as well.
create or replace view private.flow_places as
select
  s.flow_id,
  s.state,
  case
    when s.state = 'initial' then 'start'
    when s.state = 'chat_closed' then 'end'
    when passed.through then 'passing'
    when s.waiting_on <> 'none' then 'platform'
    when s.free_text and s.clock is null then 'talk'
    else 'turn'
  end as place
from private.flow_states as s
cross join lateral (
  select coalesce(bool_and(into_it.follow_up is not distinct from out_of_it.action), false)
  from private.flow_transitions as out_of_it
  join private.flow_transitions as into_it
    on into_it.flow_id = out_of_it.flow_id and into_it.to_state = out_of_it.from_state
  where out_of_it.flow_id = s.flow_id and out_of_it.from_state = s.state
    and out_of_it.role = 'system' and s.clock is null
) as passed (through);

revoke all on private.flow_places from public, anon, authenticated, service_role;
