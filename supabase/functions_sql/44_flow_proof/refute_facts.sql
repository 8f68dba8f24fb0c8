-- P8: what the gateway says is heard wherever it can be true. Finds situations without a row for
-- such a fact; states that are left in the same transaction hear nothing.
create or replace function private.refute_facts(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select 'P8', format('%s is not handled in %s.', fact.action, m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  cross join lateral (
    values
      ('payment_captured', m.has_order),
      ('payment_failed', m.has_order and m.money = 'none' and p.place = 'turn'),
      ('payment_mismatch', m.has_order and m.money = 'none' and p.place = 'turn'),
      ('bank_dispute_opened', m.money <> 'none'),
      ('bank_dispute_lost', m.dispute_origin = 'bank'),
      ('refund_processed', m.money = 'refunding'),
      ('refund_failed', m.money = 'refunding')
  ) as fact (action, can_be_true)
  where fact.can_be_true and p.place <> 'passing' and m.money <> 'broken'
    and (m.key, fact.action) not in (
      select h.from_key, h.action from unnest(p_moves) as h where h.role = 'system'
    );
end;
$$;

revoke all on function private.refute_facts(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
