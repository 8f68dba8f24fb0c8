-- Conversations, who takes part, and their messages.

create table public.conversations (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  -- The two members, lower id first, so that an unordered pair has one spelling.
  user_a uuid not null references public.users (id),
  user_b uuid not null references public.users (id),
  brand_owner_id uuid references public.users (id),
  influencer_id uuid references public.users (id),
  flow_state text not null,
  chat_status text not null generated always as (
    case flow_state
      when 'real_time' then 'real_time'
      when 'chat_closed' then 'closed'
      else 'automated'
    end
  ) stored,
  automation_enabled boolean not null generated always as (
    flow_state not in ('real_time', 'chat_closed')
  ) stored,
  awaiting_role text,
  current_action_data jsonb,
  flow_data jsonb not null default '{}',
  work_submission jsonb,
  work_submitted boolean not null default false,
  work_status text,
  submission_date timestamptz,
  amount_minor bigint,
  currency text not null default 'INR',
  deadline_at timestamptz,
  -- Counts the steps of the flow; messages and receipts have counters of their own.
  version bigint not null default 0,
  last_seq bigint not null default 0,
  last_message_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint kind_is_known check (kind in ('direct', 'bid', 'campaign')),
  constraint members_are_ordered check (user_a < user_b),
  constraint roles_belong_to_deals check (
    case kind
      when 'direct' then brand_owner_id is null and influencer_id is null
      else brand_owner_id in (user_a, user_b) and influencer_id in (user_a, user_b)
        and brand_owner_id <> influencer_id
    end
  ),
  constraint awaiting_role_is_known check (awaiting_role in ('influencer', 'brand_owner')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$')
)
with (fillfactor = 80);
comment on column public.conversations.amount_minor is 'The agreed price in paise.';
comment on column public.conversations.last_seq is
  'The seq of the newest message; the next one is given out under this row''s lock.';
alter table public.conversations enable row level security;
grant select on public.conversations to authenticated, service_role;

create unique index conversations_direct_pair on public.conversations (user_a, user_b)
where kind = 'direct';
-- The list of a user's conversations merges these two, newest first.
create index conversations_of_user_a
on public.conversations (user_a, last_message_at desc, id desc);
create index conversations_of_user_b
on public.conversations (user_b, last_message_at desc, id desc);
create index conversations_brand_owner on public.conversations (brand_owner_id)
where brand_owner_id is not null;
create index conversations_influencer on public.conversations (influencer_id)
where influencer_id is not null;

create table private.participants (
  conversation_id uuid not null references public.conversations (id),
  user_id uuid not null references public.users (id),
  role text not null,
  -- Watermarks: everything up to here was read, was delivered. They only move forward.
  read_seq bigint not null default 0,
  read_at timestamptz,
  delivered_seq bigint not null default 0,
  delivered_at timestamptz,
  -- Archived while it is the newest seq: a new message brings the conversation back by itself.
  archived_seq bigint,
  pinned_at timestamptz,
  muted_until timestamptz,
  typing_until timestamptz,
  -- Counts what changed in this row: of all, for its own user; of what the other member may see.
  version bigint not null default 0,
  shared_version bigint not null default 0,

  primary key (conversation_id, user_id),
  constraint role_is_known check (role in ('member', 'influencer', 'brand_owner')),
  constraint read_implies_delivered check (delivered_seq >= read_seq)
)
with (fillfactor = 80);
comment on table private.participants is 'What a conversation is to each of its two members.';
alter table private.participants enable row level security;
create index participants_of_user on private.participants (user_id, conversation_id);

create table public.messages (
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
  is_automated boolean not null generated always as (message_type <> 'user_input') stored,
  reply_to uuid,
  client_message_id uuid,
  expires_at timestamptz,
  is_expired boolean not null default false,
  scrubbed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  -- No foreign keys here: the only writer holds the lock of the conversation's row, which proves
  -- both the conversation and its members; a key would check them again on every send.
  primary key (conversation_id, seq),
  constraint id_is_unique unique (id),
  constraint client_message_id_is_unique_per_sender unique (sender_id, client_message_id),
  constraint seq_starts_at_one check (seq >= 1),
  constraint message_fits check (char_length(message) <= 5000),
  constraint media_url_fits check (char_length(media_url) <= 2048),
  constraint message_type_is_known
  check (message_type in ('user_input', 'system', 'automated', 'audit')),
  constraint visible_to_is_known
  check (visible_to in ('all', 'influencer', 'brand_owner', 'sender')),
  constraint only_user_input_expires check (expires_at is null or message_type = 'user_input'),
  constraint expiry_is_within_1_and_2160_hours check (
    expires_at between created_at + interval '1 hour' and created_at + interval '2160 hours'
  ),
  constraint scrubbed_is_empty
  check (scrubbed_at is null or (message = '' and media_url is null)),
  constraint hidden_message_names_its_reader check (visible_to = 'all' or receiver_id is not null)
)
with (fillfactor = 90);
comment on column public.messages.seq is
  'Gap-free per conversation and in commit order: "after seq N" never misses a message.';
comment on column public.messages.receiver_id is
  'The other member; for a message that one role may see, that one; null for a message to all.';
comment on column public.messages.is_expired is
  'Bookkeeping of login_cleanup. Whether a message is shown is decided by expires_at alone.';
-- The planner's samples would be readable, through estimated counts, by everybody.
alter table public.messages
alter column message set statistics 0,
alter column media_url set statistics 0,
alter column sender_id set statistics 0,
alter column receiver_id set statistics 0;
alter table public.messages enable row level security;
grant select on public.messages to authenticated, service_role;
create index messages_by_sender on public.messages (sender_id, created_at);
-- is_expired is in no predicate, so that flagging a row touches no index.
create index messages_expiring on public.messages (conversation_id, expires_at)
where expires_at is not null;
create index messages_expiring_of_sender on public.messages (sender_id, expires_at)
where expires_at is not null and scrubbed_at is null;
create index messages_expiring_of_receiver on public.messages (receiver_id, expires_at)
where expires_at is not null and scrubbed_at is null;

-- A message as its reader gets it; typed clients know it by this name.
create type public.chat_message as (
  id uuid,
  conversation_id uuid,
  seq bigint,
  sender_id uuid,
  receiver_id uuid,
  message text,
  media_url text,
  message_type text,
  visible_to text,
  action_required boolean,
  action_data jsonb,
  action_completed boolean,
  is_automated boolean,
  reply_to uuid,
  client_message_id uuid,
  expires_at timestamptz,
  seen boolean,
  is_read boolean,
  read_at timestamptz,
  status text,
  created_at timestamptz
);

create table public.blocks (
  blocker_id uuid not null references public.users (id),
  blocked_id uuid not null references public.users (id),
  created_at timestamptz not null default now(),

  primary key (blocker_id, blocked_id),
  constraint nobody_blocks_themselves check (blocker_id <> blocked_id)
);
alter table public.blocks enable row level security;
grant select on public.blocks to authenticated, service_role;
create index blocks_of_blocked on public.blocks (blocked_id);

-- How many broadcast rows could not be written since ever. A sequence, because it counts without
-- a lock and also when the transaction that counted is rolled back.
create sequence private.broadcast_failures;

-- Clients that prefer postgres_changes to broadcasts hear inserts that their policies let them see.
alter publication supabase_realtime add table public.messages;

create table private.legal_holds (
  conversation_id uuid primary key references public.conversations (id),
  reason text not null,
  placed_at timestamptz not null default now()
);
comment on table private.legal_holds is
  'While a conversation is listed, nothing in it is emptied and no new message may expire.';
alter table private.legal_holds enable row level security;
