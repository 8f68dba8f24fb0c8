-- A user with :messages messages of one conversation, a tenth of them expired two hours ago, in the
-- table named here; psycopg fills in the table and the names of the parameters.
insert into {table} (
  conversation_id, seq, sender_id, receiver_id, message, message_type, created_at, updated_at,
  expires_at
)
select
  %(user_id)s::uuid, n, %(user_id)s::uuid, bench.id(1), 'Gone before tomorrow evening, part ' || n,
  'user_input', now() - interval '3 hours', now() - interval '3 hours',
  case when n %% 10 = 0 then now() - interval '2 hours' end
from generate_series(1, %(messages)s::integer) as n
