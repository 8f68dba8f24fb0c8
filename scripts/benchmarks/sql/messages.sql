-- Adds messages: first two to every conversation that has none, one from each member, then the rest
-- by a power law (conversation = conversations * u^3). One in ten disappears one day; one in five
-- of those has expired. Runs as the superuser, with the indexes off.
set work_mem = '512MB';
set synchronous_commit = off;

create temp table drawn as
select row_number() over () as n, c
from (
  select p.c from bench.pairs as p
  join private.conversations as k on k.id = bench.id(p.c)
  cross join generate_series(1, 2)
  where k.last_seq = 0
  union all
  -- Every conversation of the reader and of the casual user is long enough for a page.
  select p.c from bench.pairs as p
  join private.conversations as k on k.id = bench.id(p.c)
  cross join generate_series(1, case when p.c > 900000 then 100 else 10 end)
  where k.last_seq = 0 and p.c > 800000
  union all
  select 1 + floor(power(random(), 3) * (select count(*) from bench.pairs where c < 800000))::bigint
  from generate_series(1, :messages)
) as draws;

insert into public.messages (
  conversation_id, seq, sender_id, receiver_id, message, message_type, client_message_id,
  created_at, updated_at, expires_at
)
select
  k.id,
  k.last_seq + d.place,
  case when (k.last_seq + d.place) % 2 = 1 then k.user_a else k.user_b end,
  case when (k.last_seq + d.place) % 2 = 1 then k.user_b else k.user_a end,
  'Can you send me the draft of part ' || d.n % 1000 || ' before tomorrow evening?',
  'user_input', gen_random_uuid(), at.sent, at.sent,
  case
    when d.n % 50 = 7 then at.sent + interval '1 hour'
    when d.n % 50 in (17, 27, 37, 47) then at.sent + interval '2000 hours'
  end
from (
  select n, c, row_number() over (partition by c order by n) as place from drawn
) as d
join private.conversations as k on k.id = bench.id(d.c)
cross join lateral (
  select now() - interval '30 days' * (1 - d.n::float8 / (select count(*) from drawn))
    - interval '2 hours' as sent
) as at
order by d.n;

update private.conversations as k
set last_seq = d.last, last_message_at = d.sent, updated_at = d.sent
from (
  select m.conversation_id, max(m.seq), max(m.created_at)
  from public.messages as m
  group by m.conversation_id
) as d (id, last, sent)
where k.id = d.id and d.last > k.last_seq;

-- Everybody has read all but the last three.
update private.participants as p
set read_seq = greatest(k.last_seq - 3, 0), delivered_seq = k.last_seq, read_at = now(),
  delivered_at = now()
from private.conversations as k
where k.id = p.conversation_id;

drop table drawn;
reset work_mem;
reset synchronous_commit;
