-- Free messages a day, points after that, and how fast a user may act.
--
-- The account's one row holds all of it, because a send locks and rewrites that row anyway. In the
-- names of the second guide: quota_date, messages_sent_today, daily_free_limit and
-- points_per_message are its MessageQuota, points_balance is its PointsWallet.

alter table private.accounts
add column quota_date date not null default '-infinity',
add column messages_sent_today integer not null default 0,
add column daily_free_limit integer not null default 20,
add column points_per_message integer not null default 10,
add column points_balance bigint not null default 0,
-- The balance after the newest credit; the low-balance notice is sent at a fifth of it.
add column points_high bigint not null default 0,
-- When the user's next send would be due if sends came at exactly the allowed rate: one column
-- for the short and one for the long limit (see private.next_due).
add column send_due_at timestamptz not null default '-infinity',
add column send_long_due_at timestamptz not null default '-infinity',
add constraint messages_sent_today_is_a_count check (messages_sent_today >= 0),
add constraint daily_free_limit_is_a_count check (daily_free_limit >= 0),
add constraint points_per_message_is_a_price check (points_per_message >= 0),
add constraint points_are_never_owed check (points_balance >= 0);

create table private.points_ledger (
  id bigint generated always as identity primary key,
  user_id uuid not null references public.users (id),
  delta bigint not null,
  reason text not null,
  balance_after bigint not null,
  message_id uuid,
  -- Makes a repeated grant the same grant.
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

insert into private.settings (key, value, description) values
  ('quota_timezone', '"UTC"', 'Whose midnight resets the free messages (IANA name)'),
  ('rate_send', '{"per_second": 5, "burst": 10}', 'Messages of one user'),
  ('rate_send_long', '{"per_second": 1, "burst": 60}', 'Messages of one user, over a minute'),
  ('rate_direct_connect', '{"per_day": 20, "burst": 20}', 'New direct chats of one user'),
  ('rate_typing', '{"per_minute": 20, "burst": 3}', 'Typing notes of one user'),
  ('rate_search', '{"per_minute": 10, "burst": 10}', 'Searches of one user'),
  ('stranger_messages', '1', 'Messages in a direct chat before the first answer; null: any'),
  ('rate_report', '{"per_day": 20, "burst": 20}', 'Reports of one user');

create table private.admins (
  user_id uuid primary key references public.users (id),
  created_at timestamptz not null default now()
);
comment on table private.admins is 'Users who may act as operators. Never taken from a token.';
alter table private.admins enable row level security;
