-- P6: nobody waits for ever, and no deal goes on for ever by deadlines alone. Wherever a party or
-- an operator is awaited there is a deadline with a moment to count from, and its step can be taken
-- in every situation and leads elsewhere. A state that waits for the provider needs no deadline,
-- because the app asks again. P14: no action of one side leaves the other side less than the whole
-- time of a state. Finds moves that make a party awaited without entering the state, or in a state
-- whose deadline counts from an earlier moment, where no effect of the move gives the whole time. A
-- party may shorten its own time.
create or replace function private.refute_clocks(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
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

  return query
  select
    'P14',
    format(
      'The %s has only the time that was left in %s after %s by the %s in %s.',
      m.awaiting, m.state, m.action, m.role, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where m.role <> m.awaiting and m.money <> 'broken'
    and case
      when m.state = m.from_state then m.awaiting is distinct from m.from_awaiting
      else s.clock = 'since_payment' and not exists (
        select from private.flow_effects as e where e.name = any (r.effects) and e.gives_time
      )
    end;
end;
$$;
