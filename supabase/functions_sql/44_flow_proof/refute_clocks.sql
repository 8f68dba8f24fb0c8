-- P6: nobody waits for ever. Wherever a party or an operator is awaited there is a time limit, it
-- has something to count from, and what comes after it can be taken in every situation and leads
-- elsewhere. A provider is asked again instead, so it needs no limit.
create or replace function private.refute_clocks(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select
    'P6',
    case
      when s.clock is null then format('%s has no time limit.', s.state)
      when s.clock = 'since_payment' and m.money = 'none'
        then format('The time limit of %s counts from a payment that is not there.', s.state)
      else format('The time limit of %s leads nowhere.', s.state)
    end,
    m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where (
      p.place = 'turn' or p.place = 'platform' and s.waiting_on <> 'provider'
      or s.clock is not null
    )
    and m.money <> 'broken'
    and (
      s.clock = 'since_payment' and m.money = 'none'
      or (m.key, coalesce(s.deadline_action, '')) not in (
        select t.from_key, t.action
        from unnest(p_moves) as t
        where t.role = 'system' and t.is_certain and t.state <> t.from_state
      )
    );
end;
$$;

revoke all on function private.refute_clocks(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
