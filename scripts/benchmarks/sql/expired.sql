-- User :user with :messages messages in one conversation, a tenth of them expired two hours ago.
insert into auth.users (id) values (bench.id(:user));
update public.users set role = 'influencer', display_name = 'User :user' where id = bench.id(:user);
insert into private.conversations (id, kind, user_a, user_b, flow_state, last_seq, created_at)
values (
  bench.id(:user), 'direct', bench.id(1), bench.id(:user), 'real_time', :messages,
  now() - interval '1 year'
);
insert into private.participants (conversation_id, user_id, role)
values (bench.id(:user), bench.id(1), 'member'), (bench.id(:user), bench.id(:user), 'member');
insert into public.messages (
  conversation_id, seq, sender_id, receiver_id, message, message_type, created_at, updated_at,
  expires_at
)
select
  bench.id(:user), n, bench.id(:user), bench.id(1), 'Gone before tomorrow evening, part ' || n,
  'user_input', now() - interval '3 hours', now() - interval '3 hours',
  case when n % 10 = 0 then now() - interval '2 hours' end
from generate_series(1, :messages) as n;
