-- P7: money is held once and settled once. Finds rows that move money which is not where they need
-- it, conversations that are closed or open for free talk before it is settled, and refunds that
-- are waited for where none runs, or run where none is waited for.
create or replace function private.refute_books(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select
    'P7',
    format(
      '%s needs the money %s and finds it %s: %s in %s.',
      r.name, r.money_before, m.from_money, m.action, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where m.money = 'broken'
  union all
  select 'P7', format('%s is entered with money %s.', m.state, m.money), m.key, null
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where p.place in ('end', 'talk') and m.money = 'held'
    or m.money <> 'broken' and (s.waiting_on = 'provider') <> (m.money = 'refunding');
end;
$$;

revoke all on function private.refute_books(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
