-- The benchmarks' users and conversations, and what their peers need. Runs as the superuser.

create schema bench;
grant usage on schema bench to authenticated, service_role, postgres;

create function bench.id(p_number bigint) returns uuid
language sql immutable parallel safe
as $$ select lpad(p_number::text, 32, '0')::uuid; $$;

insert into auth.users (id)
select bench.id(n)
from (
  select generate_series(1, :users) union all
  select generate_series(800000, 800250) union all
  select 900000 union all
  select 910000
) as u (n);
update public.users set role = 'influencer', display_name = 'User ' || right(id::text, 6)
where role is null;

-- Conversation c is between user 1 + (c - 1) % users and one a step further on at every lap.
create table bench.pairs as
select c, least(a, b) as low, greatest(a, b) as high
from (
  select
    c,
    1 + (c - 1) % :users as a,
    1 + ((c - 1) % :users + 1 + (c - 1) / :users) % :users as b
  from generate_series(1::bigint, :conversations) as c
) as everyone
union all
select 800000 + n, case when n <= 250 then n else 800000 end,
  case when n <= 250 then 800000 else 800000 + n - 250 end
from generate_series(1, 500) as n
union all
select 900000 + n, n, 900000 from generate_series(1, 5) as n;
alter table bench.pairs add primary key (c);

insert into private.conversations (id, kind, user_a, user_b, flow_state, created_at)
select
  bench.id(p.c), 'direct', bench.id(p.low), bench.id(p.high), 'real_time',
  now() - interval '1 year'
from bench.pairs as p;
insert into private.participants (conversation_id, user_id, role)
select c.id, m.user_id, 'member'
from private.conversations as c
cross join lateral (values (c.user_a), (c.user_b)) as m (user_id);

-- Who is next to be cleaned up, and who takes part in the next deal.
create sequence bench.cleanup_users start 700000;
create sequence bench.deal_people start 600000;

create function bench.sign_in(p_number bigint) returns void
language sql
as $$
  select set_config(
    'request.jwt.claims',
    json_build_object('sub', bench.id(p_number), 'role', 'authenticated')::text, true
  );
$$;
