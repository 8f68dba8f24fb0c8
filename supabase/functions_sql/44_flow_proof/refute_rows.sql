-- Shape: a row can store what its effects write. Finds effects that a row names twice or without
-- the guard or the actor that they rely on, prices that one row names several of, effects of deals
-- in direct conversations, and deals that are opened again, when another may be open instead.
create or replace function private.refute_rows(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_of_all_kinds constant text[] := array['close', 'reopen', 'raise_alert'];
  c_offers constant text[] := array['make_offer', 'make_counter', 'hold_offer'];
  v_kind constant text := (
    select f.kind from private.flow_definitions as f where f.id = p_flow_id
  );
begin
  return query
  select distinct 'shape', said.message, null::text, null::integer
  from private.flow_transitions as t
  cross join lateral (
    select format('%s names the effect %s more than once.', t.name, e.name)
    from unnest(t.effects) as e (name)
    group by e.name
    having count(*) > 1
    union all
    select format('%s names more than one price.', t.name)
    from unnest(t.effects) as e (name)
    where e.name = any (c_offers)
    having count(distinct e.name) > 1
    union all
    select format('%s has the effect %s without the guard %s.', t.name, need.effect, need.guard)
    from (
      values
        ('hold_funds', 'capture_matches'),
        ('hold_funds', 'is_new_payment'),
        ('bounce_payment', 'is_new_payment'),
        ('keep_rating', 'is_unrated')
    ) as need (effect, guard)
    where need.effect = any (t.effects) and need.guard <> all (t.guards)
    union all
    select format('%s has the effect %s, which only a party of a deal can have.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where e.name = any (c_offers || 'keep_rating'::text)
      and t.role not in ('influencer', 'brand_owner')
    union all
    select format('%s has the effect %s, which only deals can have.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where v_kind = 'direct' and e.name <> all (c_of_all_kinds)
    union all
    select format('%s opens a deal again, whose place another may have taken.', t.name)
    where v_kind <> 'direct' and t.from_state = 'chat_closed' and t.to_state <> 'chat_closed'
  ) as said (message)
  where t.flow_id = p_flow_id;
end;
$$;

revoke all on function private.refute_rows(bigint)
from public, anon, authenticated, service_role;
