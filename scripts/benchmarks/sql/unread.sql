-- A conversation of user :late with so many messages, all by the other member and all unread.
insert into private.conversations (id, kind, user_a, user_b, flow_state, created_at)
values (bench.id(:late + 1), 'direct', bench.id(1), bench.id(:late), 'real_time', now() - interval '1 year');
insert into private.participants (conversation_id, user_id, role)
values (bench.id(:late + 1), bench.id(1), 'member'), (bench.id(:late + 1), bench.id(:late), 'member');
insert into public.messages (
  conversation_id, seq, sender_id, receiver_id, message, message_type, client_message_id,
  created_at, updated_at, expires_at
)
select
  bench.id(:late + 1), n, bench.id(1), bench.id(:late), 'Are you there, part ' || n, 'user_input',
  gen_random_uuid(), at.sent, at.sent,
  case
    when n % 50 = 7 then at.sent + interval '1 hour'
    when n % 50 in (17, 27, 37, 47) then at.sent + interval '2000 hours'
  end
from generate_series(1, :messages) as n
cross join lateral (
  select now() - interval '30 days' * (1 - n::float8 / :messages) - interval '2 hours' as sent
) as at
order by n;
update private.conversations
set last_seq = :messages, last_message_at = now() - interval '2 hours'
where id = bench.id(:late + 1);
update private.participants
set read_seq = :messages, delivered_seq = :messages, read_at = now(), delivered_at = now()
where conversation_id = bench.id(:late + 1) and user_id = bench.id(1);
