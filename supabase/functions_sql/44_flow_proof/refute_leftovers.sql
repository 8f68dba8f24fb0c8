-- P11: what a conversation remembers fits its state. A dispute is open where an operator is waited
-- for and nowhere else, a pause is remembered while one lasts, and what was asked for can still be
-- answered. Finds situations where something is missing or left over.
create or replace function private.refute_leftovers(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  -- What can be answered, by the guard that asks for it.
  with answered as materialized (
    select m.from_key, g.name
    from unnest(p_moves) as m
    join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
    cross join lateral unnest(r.guards) as g (name)
    where g.name in ('is_requester', 'has_extension')
  )
  select 'P11', said.message, m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  cross join lateral (
    select 'No dispute is open where an operator decides.'
    where s.waiting_on = 'admin' and m.dispute_origin is null
    union all
    select 'A dispute is still open where no operator decides.'
    where s.waiting_on <> 'admin' and m.dispute_origin is not null
    union all
    select 'A request to cancel is still open where it cannot be withdrawn.'
    where m.requester is not null
      and (m.key, 'is_requester') not in (select a.from_key, a.name from answered as a)
    union all
    select 'A request for more time is still open where it cannot be answered.'
    where m.has_extension
      and (m.key, 'has_extension') not in (select a.from_key, a.name from answered as a)
    union all
    select 'A pause is still remembered when it is over.'
    where m.resume_state is not null and m.requester is null and m.dispute_origin is null
  ) as said (message)
  where m.money <> 'broken';
end;
$$;

revoke all on function private.refute_leftovers(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
