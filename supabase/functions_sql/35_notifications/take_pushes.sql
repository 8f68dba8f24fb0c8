-- RPC: service only; due pushes as `[{push_id, kind, token, keys, payload}]`.
create or replace function public.take_pushes(max_rows integer default 20)
returns json
language sql
set search_path = ''
as $$
  select private.take_pushes(max_rows);
$$;

-- A batch of due pushes for a sender. Each is returned again a minute later, then two, four and so
-- on, until record_push_result has its result; after eight tries or a day it is dropped.
--
-- The order is fair: the first of each user and host before the second of any, so that one user's
-- dead devices do not delay other users. A host that does not answer rests.
-- Definer: the outbox is private.
-- Locks, writes: the rows of push_outbox that it takes; it skips rows that another sender has
-- locked.
create or replace function private.take_pushes(p_max_rows integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_max_attempts constant integer := 8;
  c_max_age constant interval := interval '1 day';
  -- The fair order is made of this many of the oldest pushes.
  c_window constant integer := 1000;
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
  with due as (
    select o.id, o.due_at, t.user_id, t.host
    from private.push_outbox as o
    join private.push_tokens as t on t.id = o.push_token_id
    where o.due_at <= now()
      and not exists (
        select from private.push_hosts as h where h.host = t.host and h.cools_until > now()
      )
    order by o.due_at, o.id
    limit c_window
  ),
  fair as (
    select
      due.id,
      row_number() over (
        order by
          greatest(due.nth_of_user, due.nth_of_host), due.nth_of_user, due.due_at, due.id
      ) as place
    from (
      select
        due.id, due.due_at,
        row_number() over (partition by due.user_id order by due.due_at, due.id) as nth_of_user,
        row_number() over (partition by due.host order by due.due_at, due.id) as nth_of_host
      from due
    ) as due
  ),
  taken as (
    update private.push_outbox as o
    set attempts = o.attempts + 1, due_at = now() + interval '1 minute' * 2 ^ o.attempts
    from (
      select free.id, fair.place
      from fair
      join private.push_outbox as free on free.id = fair.id
      -- Checked again under the lock: another sender may have taken it meanwhile.
      where free.due_at <= now()
      order by fair.place
      limit private.clamp_page_size(p_max_rows, 20, 100)
      for update of free skip locked
    ) as chosen
    where o.id = chosen.id
    returning o.id, o.payload, o.push_token_id, chosen.place
  )
  select coalesce(
    json_agg(
      json_build_object(
        'push_id', taken.id, 'kind', t.kind, 'token', t.token, 'keys', t.keys,
        'payload', taken.payload
      )
      order by taken.place
    ),
    '[]'
  )
  into v_pushes
  from taken
  join private.push_tokens as t on t.id = taken.push_token_id;
  return v_pushes;
end;
$$;

grant execute on function public.take_pushes(integer), private.take_pushes(integer)
to service_role;
