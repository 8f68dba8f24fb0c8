-- The frozen floor: a table like the messages of the first revision that was measured, with its
-- primary key, its unique id and its unique client id and nothing else. It never changes, so that a
-- better schema of the product improves the ratio to it.
create table bench.floor_messages (
  conversation_id uuid not null,
  seq bigint not null,
  id uuid not null default gen_random_uuid(),
  sender_id uuid not null,
  receiver_id uuid,
  message text not null,
  media_url text,
  message_type text not null,
  visible_to text not null default 'all',
  action_required boolean not null default false,
  action_data jsonb,
  action_completed boolean not null default false,
  is_automated boolean not null default false,
  reply_to uuid,
  client_message_id uuid,
  expires_at timestamptz,
  is_expired boolean not null default false,
  scrubbed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
)
with (fillfactor = 90);
insert into bench.floor_messages (
  conversation_id, seq, id, sender_id, receiver_id, message, message_type, client_message_id,
  expires_at, created_at, updated_at
)
select
  conversation_id, seq, id, sender_id, receiver_id, message, message_type, client_message_id,
  expires_at, created_at, updated_at
from public.messages;
alter table bench.floor_messages
add primary key (conversation_id, seq),
add unique (id),
add unique (sender_id, client_message_id);
grant insert on bench.floor_messages to postgres, service_role;

create sequence bench.floor_seq start 1000000000 cache 100;
grant usage on sequence bench.floor_seq to postgres, service_role;
