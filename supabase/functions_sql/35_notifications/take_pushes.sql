-- Hands a batch of due pushes to a sender. Each comes again a minute later, then two, four and so
-- on, until record_push_result says how it went; after eight tries or a day it is given up.
--
-- Definer: the outbox is private.
-- Locks, writes: the rows of push_outbox that it takes; those that another sender holds are passed
-- over.
create or replace function private.take_pushes(p_max_rows integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_max_attempts constant integer := 8;
  c_max_age constant interval := interval '1 day';
  v_pushes json;
begin
  delete from private.push_outbox as o
  where o.id in (
    select late.id
    from private.push_outbox as late
    where late.due_at <= now()
      and (late.attempts >= c_max_attempts or late.created_at < now() - c_max_age)
    for update skip locked
  );
  with taken as (
    update private.push_outbox as o
    set attempts = o.attempts + 1, due_at = now() + interval '1 minute' * 2 ^ o.attempts
    where o.id in (
      select due.id
      from private.push_outbox as due
      where due.due_at <= now()
      order by due.due_at
      limit private.clamp_page_size(p_max_rows, 20, 100)
      for update skip locked
    )
    returning o.id, o.payload, o.push_token_id
  )
  select coalesce(
    json_agg(
      json_build_object(
        'push_id', taken.id, 'kind', t.kind, 'token', t.token, 'keys', t.keys,
        'payload', taken.payload
      )
      order by taken.id
    ),
    '[]'
  )
  into v_pushes
  from taken
  join private.push_tokens as t on t.id = taken.push_token_id;
  return v_pushes;
end;
$$;

-- RPC: service only; due pushes as `[{push_id, kind, token, keys, payload}]`.
create or replace function public.take_pushes(max_rows integer default 20)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.take_pushes(max_rows);
$$;

revoke all on function private.take_pushes(integer) from public, anon, authenticated, service_role;
grant execute on function private.take_pushes(integer) to service_role;
revoke all on function public.take_pushes(integer) from public, anon, authenticated, service_role;
grant execute on function public.take_pushes(integer) to service_role;
