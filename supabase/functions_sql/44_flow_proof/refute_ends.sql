-- P2: no dead end. Finds situations from which the conversation can never be closed.
create or replace function private.refute_ends(p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  with recursive closable (key) as (
    select m.key
    from unnest(p_moves) as m
    where m.state = 'chat_closed' or m.money = 'broken'
    union
    select m.from_key
    from closable as c
    join unnest(p_moves) as m on m.key = c.key
    where m.from_key is not null
  )
  select
    'P2', format('A conversation in %s can never be closed.', m.state), m.key, null::integer
  from unnest(p_moves) as m
  where m.key not in (select c.key from closable as c);
end;
$$;

revoke all on function private.refute_ends(private.flow_moves[])
from public, anon, authenticated, service_role;
