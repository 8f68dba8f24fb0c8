-- Conversations, their members and messages.

create table private.conversations (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  -- The two members, lower id first, so that an unordered pair has one spelling.
  user_a uuid not null references public.users (id),
  user_b uuid not null references public.users (id),
  -- The roles of the two in a deal.
  brand_owner_id uuid,
  influencer_id uuid,
  flow_state text not null,
  -- The trigger check_conversation derives these two from flow_state. They are not generated
  -- columns: every send would read their expressions.
  chat_status text not null,
  automation_enabled boolean not null,
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
  -- The hour of last_message_at, written with it: the key of the list's indexes, so most sends
  -- touch no index here.
  listed_at timestamptz not null,
  -- Whether a member has ever written here: a hint for the rule for strangers; false proves nothing.
  user_a_wrote boolean not null default false,
  user_b_wrote boolean not null default false,
  -- Whether one member may not write to the other: because of a block or a deleted login. Triggers
  -- maintain it; it does not say which of the two it is, or whose.
  is_barred boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  bid_id uuid references public.bids (id),
  campaign_id uuid references public.campaigns (id),
  request_id uuid references public.requests (id),
  -- The version of the flow that this conversation keeps.
  flow_id bigint,
  entered_at timestamptz not null default now(),
  -- When the newest step of a deadline was due.
  timed_at timestamptz,
  delivery_due_at timestamptz,
  close_reason text,
  closed_by uuid,
  -- The books of a deal, in paise; private.escrow_ledger has every entry.
  captured_minor bigint,
  held_minor bigint,
  released_minor bigint,
  fee_minor bigint,
  refunded_minor bigint,
  charged_back_minor bigint,

  -- The other rules of a row are in the triggers check_conversation and check_parties: Postgres
  -- reads a CHECK in every statement, and a send changes none of the columns with rules.
  constraint flow_is_known foreign key (flow_id) references private.flow_definitions (id)
)
with (fillfactor = 80);
comment on column private.conversations.amount_minor is 'The agreed price in paise.';
comment on column private.conversations.last_seq is
  'The seq of the newest message; the next one is given out under this row''s lock.';
alter table private.conversations enable row level security;
-- The API does not expose the schema private: public.conversations and policies read this table.
grant select on private.conversations to authenticated, service_role;
-- Every client could read the planner's samples through estimated counts.
alter table private.conversations
alter column current_action_data set statistics 0,
alter column flow_data set statistics 0,
alter column work_submission set statistics 0,
alter column amount_minor set statistics 0,
alter column last_seq set statistics 0,
alter column close_reason set statistics 0,
alter column captured_minor set statistics 0,
alter column held_minor set statistics 0,
alter column released_minor set statistics 0,
alter column fee_minor set statistics 0,
alter column refunded_minor set statistics 0,
alter column charged_back_minor set statistics 0;

create unique index conversations_direct_pair on private.conversations (user_a, user_b)
where kind = 'direct';
-- The list of a user's conversations merges these two, newest hour first.
create index conversations_of_user_a on private.conversations (user_a, listed_at desc);
create index conversations_of_user_b on private.conversations (user_b, listed_at desc);

comment on column private.conversations.current_action_data is
  'The open action as both sides may know it: its id, state and reader. Its content is in the '
  'message that its reader alone sees, and in that reader''s context.';
comment on column private.conversations.flow_data is
  'The deal''s data; docs/FLOW.md lists the keys.';
comment on column private.conversations.version is 'Counts the steps of the flow.';
create unique index conversations_open_bid on private.conversations (bid_id, brand_owner_id)
where bid_id is not null and flow_state <> 'chat_closed';
create unique index conversations_open_campaign
on private.conversations (campaign_id, influencer_id)
where campaign_id is not null and flow_state <> 'chat_closed';
create index conversations_of_bid on private.conversations (bid_id, brand_owner_id)
where bid_id is not null;
create index conversations_of_campaign on private.conversations (campaign_id, influencer_id)
where campaign_id is not null;
create index conversations_of_request on private.conversations (request_id)
where request_id is not null;
create index conversations_due on private.conversations (deadline_at)
where deadline_at is not null;
-- Direct chats are left out: each message would touch their entry.
create index conversations_of_flow on private.conversations (flow_id) where kind <> 'direct';
create index conversations_holding on private.conversations (id) where held_minor > 0;

-- A domain, because a session reads the rule of a domain once, but a CHECK again in every statement.
-- No column of a live table has it yet, so no table is scanned for it.
create domain private.member_role as text
-- squawk-ignore ban-create-domain-with-constraint
constraint role_is_known check (value in ('member', 'influencer', 'brand_owner'));

create table private.participants (
  conversation_id uuid not null references private.conversations (id),
  user_id uuid not null references public.users (id),
  role private.member_role not null,
  -- Watermarks: everything up to here was read, was delivered. They only move forward.
  read_seq bigint not null default 0,
  read_at timestamptz,
  delivered_seq bigint not null default 0,
  delivered_at timestamptz,
  -- Archived while it is the newest seq: a new message brings the conversation back.
  archived_seq bigint,
  pinned_at timestamptz,
  muted_until timestamptz,
  typing_until timestamptz,
  -- Copies, so that readers of marks need no other table: whether this member shows read marks,
  -- null once its login is gone; and whether it blocks the other.
  shares_read_receipts boolean default true,
  blocks_other boolean not null default false,
  -- Count the changes of this row: all of them; those that the other member may see.
  version bigint not null default 0,
  shared_version bigint not null default 0,
  -- The version of the context right after the newest step of the flow, as this member saw it.
  stepped_version bigint not null default 0,

  primary key (conversation_id, user_id),
  constraint read_implies_delivered check (delivered_seq >= read_seq)
)
with (fillfactor = 80);
comment on table private.participants is 'The state of a conversation for each of its members.';
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
  -- `[{path, name, media_type, size, width, height}]`; null without files.
  attachments jsonb,
  message_type text not null,
  visible_to text not null default 'all',
  action_required boolean not null default false,
  action_data jsonb,
  action_completed boolean not null default false,
  -- Whether no user typed it; the trigger check_new_message sets it.
  is_automated boolean not null default false,
  reply_to uuid,
  client_message_id uuid,
  -- Whose step caused a message of the system; it is not unread for that user.
  caused_by uuid,
  expires_at timestamptz,
  is_expired boolean not null default false,
  scrubbed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  -- No foreign keys here: the only writer holds the lock of the conversation's row, which proves
  -- both the conversation and its members; a key would check them again on every send.
  primary key (conversation_id, seq),
  constraint id_is_unique unique (id)
  -- The other rules of a row are in the triggers check_new_message and check_scrubbed_message.
)
-- Up to 8 kB a row stays uncompressed: compressing buttons and forms was 3 % of an action.
with (fillfactor = 90, toast_tuple_target = 8160);
comment on column public.messages.seq is
  'Gap-free per conversation and in commit order: "after seq N" never misses a message.';
comment on column public.messages.receiver_id is
  'The other member; for a message that one role may see, that one; null for a message to all.';
comment on column public.messages.is_expired is
  'Bookkeeping of login_cleanup. Whether a message is shown is decided by expires_at alone.';
-- Every client could read the planner's samples through estimated counts.
alter table public.messages
alter column message set statistics 0,
alter column media_url set statistics 0,
alter column attachments set statistics 0,
alter column action_data set statistics 0,
alter column sender_id set statistics 0,
alter column receiver_id set statistics 0,
alter column caused_by set statistics 0;
alter table public.messages enable row level security;
grant select on public.messages to authenticated, service_role;
-- The messages of deals have none, so they cost no entry.
create unique index client_message_id_is_unique_per_sender
on public.messages (sender_id, client_message_id)
where client_message_id is not null;
-- is_expired is in no predicate, so that flagging a row touches no index.
create index messages_expiring on public.messages (conversation_id, expires_at)
where expires_at is not null;
-- For the operators' sweep, which reads all users' messages.
create index messages_expired on public.messages (expires_at)
where expires_at is not null and scrubbed_at is null;
create index messages_expiring_of_sender on public.messages (sender_id, expires_at)
where expires_at is not null and scrubbed_at is null;
create index messages_expiring_of_receiver on public.messages (receiver_id, expires_at)
where expires_at is not null and scrubbed_at is null;
-- For the metrics of the last minutes; a block range index costs a send next to nothing.
create index messages_recent on public.messages using brin (created_at);
-- The open action messages of a conversation; completed ones leave the index.
create index messages_open_actions on public.messages (conversation_id, seq)
where action_required and not action_completed;

-- A message as its reader gets it; typed clients know it by this name.
create type public.chat_message as (
  id uuid,
  conversation_id uuid,
  seq bigint,
  sender_id uuid,
  receiver_id uuid,
  message text,
  media_url text,
  attachments jsonb,
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

-- How many broadcast rows could not be written. A sequence counts without a lock, and also when the
-- transaction is rolled back.
create sequence private.broadcast_failures;

-- Clients that prefer postgres_changes to broadcasts hear inserts that their policies let them see.
alter publication supabase_realtime add table public.messages;

create table private.legal_holds (
  conversation_id uuid primary key references private.conversations (id),
  reason text not null,
  placed_at timestamptz not null default now()
);
comment on table private.legal_holds is
  'While a conversation is listed, nothing in it is emptied and no new message may expire.';
alter table private.legal_holds enable row level security;

-- Reports to the operators.
create table private.reports (
  id uuid primary key default gen_random_uuid(),
  reporter_id uuid not null references public.users (id),
  message_id uuid not null,
  conversation_id uuid not null references private.conversations (id),
  reason text not null,
  details text,
  -- The message and those before it as the reporter saw them: evidence outlives their expiry.
  evidence jsonb not null,
  created_at timestamptz not null default now(),

  constraint one_report_a_message_and_reporter unique (reporter_id, message_id),
  constraint reason_is_known
  check (reason in ('spam', 'abuse', 'fraud', 'nudity', 'impersonation', 'other')),
  constraint details_fit check (char_length(details) <= 1000)
);
alter table private.reports enable row level security;
create index reports_of_conversation on private.reports (conversation_id);
