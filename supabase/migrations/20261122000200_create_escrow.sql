-- The books of deals: what is held, asked back, owed. Moving real money is the gateway's part.

create table private.payment_orders (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id),
  amount_minor bigint not null,
  currency text not null default 'INR',
  status text not null default 'open',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known check (status in ('open', 'paid', 'cancelled')),
  constraint amount_is_positive check (amount_minor > 0)
);
comment on table private.payment_orders is 'What a brand owner was asked to pay, in paise.';
alter table private.payment_orders enable row level security;
create unique index payment_orders_open on private.payment_orders (conversation_id)
where status = 'open';
create index payment_orders_of_conversation on private.payment_orders (conversation_id);

-- Double entry: a row moves an amount from one account to another, so that all accounts always sum
-- to zero.
create table private.escrow_ledger (
  id bigint generated always as identity primary key,
  conversation_id uuid not null references public.conversations (id),
  from_account text not null,
  to_account text not null,
  amount_minor bigint not null,
  currency text not null default 'INR',
  -- The step of the flow that moved it.
  version bigint not null,
  payment_id text,
  created_at timestamptz not null,

  constraint accounts_are_known check (
    (from_account, to_account) in (
      ('gateway', 'held'), ('held', 'released'), ('held', 'fee'), ('held', 'refunded'),
      ('held', 'charged_back'),
      -- A payment that no deal waited for comes in and goes back.
      ('gateway', 'bounced'), ('bounced', 'returned')
    )
  ),
  constraint amount_is_positive check (amount_minor > 0)
);
comment on table private.escrow_ledger is 'Every paisa that moved; append-only, in paise.';
alter table private.escrow_ledger enable row level security;
create index escrow_ledger_of_conversation on private.escrow_ledger (conversation_id, id);
-- One payment is held or bounced once, whatever is repeated.
create unique index escrow_ledger_payment on private.escrow_ledger (payment_id)
where from_account = 'gateway';

create table private.refunds (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id),
  payment_id text not null,
  amount_minor bigint not null,
  currency text not null default 'INR',
  -- deal: of the money that a deal held; bounce: of a payment that no deal waited for.
  kind text not null,
  reason text not null,
  status text not null default 'requested',
  attempts integer not null default 0,
  reference text,
  requested_at timestamptz not null,
  processed_at timestamptz,

  constraint kind_is_known check (kind in ('deal', 'bounce')),
  constraint status_is_known check (status in ('requested', 'processed')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint processed_has_a_time check ((status = 'processed') = (processed_at is not null))
);
comment on table private.refunds is 'Money to be sent back; the gateway''s worker takes it from here.';
alter table private.refunds enable row level security;
create unique index refunds_of_deal on private.refunds (conversation_id)
where kind = 'deal' and status = 'requested';
create unique index refunds_bounce on private.refunds (payment_id) where kind = 'bounce';
create index refunds_requested on private.refunds (requested_at) where status = 'requested';
create index refunds_of_conversation on private.refunds (conversation_id);

create table private.payouts (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id),
  influencer_id uuid not null references public.users (id),
  amount_minor bigint not null,
  currency text not null default 'INR',
  status text not null default 'owed',
  created_at timestamptz not null,

  constraint status_is_known check (status in ('owed', 'paid')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint one_payout_a_deal unique (conversation_id)
);
comment on table private.payouts is 'What is owed to influencers, in paise.';
alter table private.payouts enable row level security;
create index payouts_of_influencer on private.payouts (influencer_id);

-- What an operator must look at. One line a cause: a storm counts up `seen`.
create table private.alerts (
  id bigint generated always as identity primary key,
  kind text not null,
  severity text not null,
  key text not null,
  status text not null default 'open',
  conversation_id uuid references public.conversations (id),
  details jsonb not null default '{}',
  seen integer not null default 1,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),

  constraint severity_is_known check (severity in ('info', 'warning', 'critical')),
  constraint status_is_known check (status in ('open', 'resolved'))
);
alter table private.alerts enable row level security;
create unique index alerts_open on private.alerts (key) where status = 'open';
create index alerts_of_conversation on private.alerts (conversation_id);
