-- The benchmarks' users and conversations, and what their peers need. Runs as the superuser.

create schema bench;
grant usage on schema bench to authenticated, service_role, postgres;

create function bench.id(p_number bigint) returns uuid
language sql immutable parallel safe
as $$ select lpad(p_number::text, 32, '0')::uuid; $$;

-- Numbers for the bare insert, whose conversations exist nowhere else.
create sequence bench.bare_seq start 1000000000 cache 100;
grant usage on sequence bench.bare_seq to service_role, postgres;
-- The bare insert inside PostgREST's envelope runs as a role that API requests can have.
grant insert on public.messages to service_role;

insert into auth.users (id)
select bench.id(n)
from (
  select generate_series(1, :users) union all
  select generate_series(800000, 800250) union all
  select 900000
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

insert into public.conversations (id, kind, user_a, user_b, flow_state, created_at)
select
  bench.id(p.c), 'direct', bench.id(p.low), bench.id(p.high), 'real_time',
  now() - interval '1 year'
from bench.pairs as p;
insert into private.participants (conversation_id, user_id, role)
select c.id, m.user_id, 'member'
from public.conversations as c
cross join lateral (values (c.user_a), (c.user_b)) as m (user_id);

-- The peer: the tables that the step-by-step transaction of goal 3 locks and counts in.
create table bench.message_quotas (
  user_id uuid primary key,
  quota_date date not null,
  messages_sent_today integer not null,
  daily_free_limit integer not null
);
create table bench.points_wallets (user_id uuid primary key, balance bigint not null);
insert into bench.message_quotas
select a.user_id, current_date, 0, 1000000 from private.accounts as a;
insert into bench.points_wallets select a.user_id, 0 from private.accounts as a;
grant select, update on bench.message_quotas, bench.points_wallets to postgres;

-- Who is next to be cleaned up, and messages indexed in the obvious way: the flag is in a predicate,
-- so that flagging a row moves it in an index.
create sequence bench.cleanup_users start 700000;
create table bench.plain_messages (like public.messages including defaults including generated);
alter table bench.plain_messages add primary key (id);
create index on bench.plain_messages (conversation_id, created_at);
create index on bench.plain_messages (sender_id);
create index on bench.plain_messages (sender_id, expires_at) where not is_expired;
