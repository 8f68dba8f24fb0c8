-- P9: an operator can act wherever a party, an operator or the provider is waited for.
create or replace function private.refute_operators(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select 'P9', format('No operator can act in %s.', m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where p.place in ('turn', 'platform') and m.money <> 'broken'
    and m.key not in (
      select a.from_key from unnest(p_moves) as a where a.role = 'admin' and a.is_certain
    );
end;
$$;

revoke all on function private.refute_operators(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
