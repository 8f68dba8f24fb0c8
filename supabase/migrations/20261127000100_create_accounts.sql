-- Users: a card that every signed-in user may read, and a private account.

create table public.users (
  -- = auth.users.id. No foreign key: the system's own card has no login, and a card outlives a
  -- deleted login because the other side's conversations still show it.
  id uuid primary key,
  role text,
  display_name text,
  avatar_url text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint role_is_known check (role in ('influencer', 'brand_owner', 'system')),
  constraint display_name_fits check (char_length(display_name) between 1 and 80),
  constraint profile_is_whole check ((role is null) = (display_name is null))
);
comment on table public.users is
  'The public card of a user; role and display_name are null until complete_profile.';
alter table public.users enable row level security;
grant select on public.users to authenticated, service_role;

-- Every send changes such a count. A session reads a domain's rule once, but a CHECK in every
-- statement. No column of a live table has it yet, so no table is scanned for it.
create domain private.count_of_sends as integer
-- squawk-ignore ban-create-domain-with-constraint
constraint messages_sent_today_is_a_count check (value >= 0);

-- One row has everything that a send checks and counts, because a send locks and rewrites it
-- anyway.
create table private.accounts (
  user_id uuid primary key references public.users (id),
  phone text,
  last_seen_at timestamptz,
  shares_last_seen boolean not null default true,
  shares_read_receipts boolean not null default true,
  quota_date date not null default '-infinity',
  messages_sent_today private.count_of_sends not null default 0,
  daily_free_limit integer not null,
  points_per_message integer not null,
  points_balance bigint not null default 0,
  -- The balance after the newest credit; the notification points_low is sent at a fifth of it.
  points_high bigint not null default 0,
  -- When the user's next send would be due if sends came at exactly the allowed rate: one column
  -- for the short and one for the long limit (see private.next_due).
  send_due_at timestamptz not null default '-infinity',
  send_long_due_at timestamptz not null default '-infinity',
  cleaned_at timestamptz not null default '-infinity',
  -- Every message of the user that expired before this is flagged.
  flagged_until timestamptz not null default '-infinity',
  created_at timestamptz not null default now()
  -- The other rules of a row are in the trigger check_account.
);
comment on table private.accounts is
  'One row a user: what only the user and the server know. Its user''s sends lock it first.';
alter table private.accounts enable row level security;

create table private.settings (
  key text primary key,
  value jsonb not null,
  -- The trigger check_setting checks values.
  description text not null
);
comment on table private.settings is 'What an operator may tune without a deploy.';
alter table private.settings enable row level security;

insert into private.settings (key, value, description) values
  ('daily_free_limit', '20', 'Free messages a day of a new account'),
  ('points_per_message', '10', 'Points of each further message, of a new account'),
  ('chat_open_points', '0', 'Points that opening a direct chat costs'),
  ('quota_timezone', '"UTC"', 'Whose midnight resets the free messages (IANA name)'),
  ('stranger_messages', '1', 'Messages in a direct chat before the first answer; null: any'),
  ('direct_blocked_during_deal', 'false', 'Whether an open deal of two stops their direct chat'),
  ('system_user_id', '"00000000-0000-0000-0000-000000000000"',
    'Sender of what the system says: the id of a row of public.users with the role system'),
  ('media_hosts', 'null', 'Hosts media_url may name; "*.example.com" is any subdomain; null: any'),
  ('rate_send', '{"per_second": 5, "burst": 10}', 'Messages of one user'),
  ('rate_send_long', '{"per_second": 1, "burst": 60}', 'Messages of one user, over a minute'),
  ('rate_direct_connect', '{"per_day": 20, "burst": 20}', 'New direct chats of one user'),
  ('rate_typing', '{"per_minute": 20, "burst": 3}', 'Typing notes of one user'),
  ('rate_search', '{"per_minute": 10, "burst": 10}', 'Searches of one user'),
  ('rate_report', '{"per_day": 20, "burst": 20}', 'Reports of one user'),
  ('rate_export', '{"per_minute": 30, "burst": 60}', 'Pages of one user''s export'),
  ('expired_grace_days', '30', 'Days until an expired message is emptied; null: never'),
  ('cleanup_batch', '500', 'Messages that one login_cleanup flags, and empties, at most'),
  ('rate_action', '{"per_second": 2, "burst": 10}', 'Actions of one user in deals'),
  ('rate_deal', '{"per_day": 50, "burst": 50}', 'New bids, campaigns and deals of one user'),
  ('sweep_batch', '100', 'Deals whose due steps one login_cleanup takes, at most'),
  ('payment_mode', '"test"', 'Which of Razorpay''s modes pays for deals: "test" or "live"');

-- The rate limits of the settings (`rate_<action>`) as numbers. The trigger keep_send_rules writes
-- it.
create table private.rates (
  action text primary key,
  -- How long one action takes, and how far ahead of now a due time may be for one more to fit. A
  -- limit that is switched off takes no time, so every action fits.
  step interval not null,
  ahead interval not null
);
alter table private.rates enable row level security;

-- The settings that every send reads, typed. The trigger keep_send_rules writes it.
create table private.send_rules (
  is_only boolean primary key default true,
  quota_timezone text not null,
  -- Null: any; negative: check_send checks every message of a direct chat, not only a stranger's.
  stranger_messages bigint,
  -- Of private.rates: the short limit and the long one.
  send_step interval not null,
  send_ahead interval not null,
  long_step interval not null,
  long_ahead interval not null,

  constraint there_is_one_row check (is_only)
);
alter table private.send_rules enable row level security;

create table private.admins (
  user_id uuid primary key references public.users (id),
  created_at timestamptz not null default now()
);
comment on table private.admins is 'Users who may act as operators. Never taken from a token.';
alter table private.admins enable row level security;

create table private.points_ledger (
  id bigint generated always as identity primary key,
  user_id uuid not null references public.users (id),
  delta bigint not null,
  reason text not null,
  balance_after bigint not null,
  message_id uuid,
  -- A repeated grant has the same id.
  grant_id uuid unique,
  created_at timestamptz not null default now(),

  constraint delta_is_a_change check (delta <> 0),
  constraint points_are_never_owed check (balance_after >= 0),
  constraint only_grants_add check ((delta > 0) = (grant_id is not null))
);
comment on table private.points_ledger is
  'Every change of a points balance, append-only: the balance is the sum.';
alter table private.points_ledger enable row level security;
create index points_ledger_of_user on private.points_ledger (user_id, id desc);

create table private.rate_limits (
  user_id uuid not null references public.users (id),
  action text not null,
  due_at timestamptz not null,

  primary key (user_id, action)
);
comment on table private.rate_limits is
  'For actions other than sends: when the next one would be due at exactly the allowed rate.';
alter table private.rate_limits enable row level security;

-- The sender of system messages.
insert into public.users (id, role, display_name)
values ('00000000-0000-0000-0000-000000000000', 'system', 'Parley');

-- Users who signed up before this migration get a card and an account, too.
insert into public.users (id) select u.id from auth.users as u where not u.is_anonymous;
insert into private.accounts (user_id, daily_free_limit, points_per_message)
select u.id, free.value::integer, price.value::integer
from auth.users as u, private.settings as free, private.settings as price
where free.key = 'daily_free_limit' and price.key = 'points_per_message' and not u.is_anonymous;
