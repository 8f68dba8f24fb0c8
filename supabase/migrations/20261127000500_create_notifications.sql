-- Notifications, and the devices that get them as pushes.

-- A domain, because a session reads its rule once, and a CHECK in every statement. No column of a
-- live table has it yet, so no table is scanned for it.
create domain private.notification_type as text
-- squawk-ignore ban-create-domain-with-constraint
constraint type_is_known check (
  value in (
    'message', 'action_required', 'payment', 'work', 'review', 'deal_closed', 'dispute',
    'quota_low', 'points_low'
  )
);

-- A message needs no row here: it is its own record. No foreign keys: the writer has locked the
-- conversation or the account, and a key would check both again with every step.
create table private.notifications (
  id bigint generated always as identity,
  user_id uuid not null,
  type private.notification_type not null,
  conversation_id uuid,
  message_id uuid,
  data jsonb not null,
  created_at timestamptz not null default now(),

  primary key (user_id, id)
);
comment on table private.notifications is 'Notifications of users; ids only.';
alter table private.notifications enable row level security;
-- For the metrics of the last minutes.
create index notifications_recent on private.notifications using brin (created_at);

create table private.push_tokens (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.users (id),
  kind text not null,
  -- For web_push the endpoint of the browser's push service.
  token text not null unique,
  keys jsonb not null,
  -- The host of the push service.
  host text generated always as (substring(lower(token) from '^[a-z]+://([^/?#]+)')) stored,
  -- Tries in a row that did not reach the device.
  failures integer not null default 0,
  created_at timestamptz not null default now(),

  constraint kind_is_known check (kind in ('web_push')),
  constraint token_fits check (char_length(token) <= 2048)
);
alter table private.push_tokens enable row level security;
create index push_tokens_of_user on private.push_tokens (user_id);

create table private.push_outbox (
  id bigint generated always as identity primary key,
  push_token_id uuid not null references private.push_tokens (id) on delete cascade,
  payload jsonb not null,
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);
comment on table private.push_outbox is
  'Pushes that wait; ids only, never a message''s text.';
alter table private.push_outbox enable row level security;
create index push_outbox_due on private.push_outbox (due_at);
create index push_outbox_of_token on private.push_outbox (push_token_id);

create table private.push_hosts (
  host text primary key,
  failures integer not null default 1,
  cools_until timestamptz not null
);
comment on table private.push_hosts is 'Push services that do not answer, and until when they rest.';
alter table private.push_hosts enable row level security;
