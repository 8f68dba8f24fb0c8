-- P3: until it is closed or being refunded, a conversation can still come to a good end: free talk,
-- in a deal with the money settled. Finds situations that cannot.
create or replace function private.refute_success(p_flow_id bigint, p_moves private.flow_moves[])
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  with recursive hopeful (key) as (
    select m.key
    from unnest(p_moves) as m
    join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
    join private.flow_definitions as f on f.id = p_flow_id
    where m.money = 'broken'
      or p.place = 'talk' and m.money = case f.kind when 'direct' then 'none' else 'settled' end
    union
    select m.from_key
    from hopeful as h
    join unnest(p_moves) as m on m.key = h.key
    where m.from_key is not null
  )
  select
    'P3',
    format('In %s with money %s nothing can lead to a good end any more.', m.state, m.money),
    m.key, null::integer
  from unnest(p_moves) as m
  where m.state <> 'chat_closed' and m.money in ('none', 'held')
    and m.key not in (select h.key from hopeful as h);
end;
$$;

revoke all on function private.refute_success(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
