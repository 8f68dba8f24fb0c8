-- The books of deals and Razorpay's facts. Amounts are in paise.

-- Columns that steps of deals and Razorpay's events write have their rules in domains: a session
-- reads a domain's rule once, but a CHECK in every statement. No column of a live table has one
-- yet, so no table is scanned for it.
-- squawk-ignore-file ban-create-domain-with-constraint
create domain private.positive_paise as bigint constraint amount_is_positive check (value > 0);
create domain private.payment_mode as text
constraint mode_is_known check (value in ('test', 'live'));
create domain private.order_status as text
constraint status_is_known check (value in ('open', 'paid', 'superseded', 'cancelled'));
create domain private.payment_status as text
constraint status_is_known
check (value in ('created', 'failed', 'authorized', 'captured', 'refunded'));
create domain private.refunded_paise as bigint
constraint refunded_is_not_negative check (value >= 0);
create domain private.event_status as text
constraint status_is_known check (value in ('received', 'processed', 'ignored', 'parked'));
create domain private.secret_slot as text
constraint slot_is_known check (value in ('current', 'previous'));

create table private.payment_orders (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references private.conversations (id),
  amount_minor private.positive_paise not null,
  currency text not null default 'INR',
  status private.order_status not null default 'open',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  mode private.payment_mode not null default 'test',
  -- Our name of the order at Razorpay; at most 40 characters there.
  receipt text not null generated always as (id::text) stored,
  -- Razorpay's id, once it has the order.
  razorpay_order_id text,
  -- The settings of the checkout, without personal data.
  checkout jsonb,
  polled_at timestamptz
);
comment on table private.payment_orders is 'Orders that brand owners pay, in paise.';
alter table private.payment_orders enable row level security;
create unique index payment_orders_open on private.payment_orders (conversation_id)
where status = 'open';
create index payment_orders_of_conversation on private.payment_orders (conversation_id);
create unique index payment_orders_receipt on private.payment_orders (receipt);
create unique index payment_orders_razorpay on private.payment_orders (razorpay_order_id);

create table private.payments (
  payment_id text primary key,
  payment_order_id uuid not null references private.payment_orders (id),
  amount_minor private.positive_paise not null,
  currency text not null,
  -- Only forward: created, failed, authorized, captured, refunded; an authorization may come late,
  -- after a failure.
  status private.payment_status not null,
  method text,
  -- Null until the payment is captured; it stays null for one that was refunded before.
  captured_at timestamptz,
  refunded_minor private.refunded_paise not null default 0,
  -- Razorpay's fee, of which the taxes on it are a part.
  fee_minor bigint,
  error_code text,
  error_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table private.payments is 'Attempts to pay an order, from Razorpay.';
alter table private.payments enable row level security;
create index payments_of_order on private.payments (payment_order_id);

-- Double entry: a row moves an amount from one account to another, so that all accounts always sum
-- to zero.
create table private.escrow_ledger (
  id bigint generated always as identity primary key,
  conversation_id uuid not null references private.conversations (id),
  from_account text not null,
  to_account text not null,
  amount_minor private.positive_paise not null,
  currency text not null default 'INR',
  -- The step of the flow that moved it.
  version bigint not null,
  payment_id text,
  created_at timestamptz not null,

  constraint accounts_are_known check (
    from_account || ' to ' || to_account in (
      'gateway to held', 'held to released', 'held to fee', 'held to refunded',
      'held to charged_back',
      -- A payment that no deal waited for is bounced, then returned.
      'gateway to bounced', 'bounced to returned'
    )
  )
);
comment on table private.escrow_ledger is 'Every paisa that moved; append-only, in paise.';
alter table private.escrow_ledger enable row level security;
create index escrow_ledger_of_conversation on private.escrow_ledger (conversation_id, id);
-- A payment is held or bounced once, also when its event is repeated.
create unique index escrow_ledger_payment on private.escrow_ledger (payment_id)
where from_account = 'gateway';

create table private.refunds (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references private.conversations (id),
  payment_id text not null,
  amount_minor bigint not null,
  currency text not null default 'INR',
  -- deal: a refund of held money; bounce: of a payment that no deal waited for.
  kind text not null,
  reason text not null,
  status text not null default 'requested',
  attempts integer not null default 0,
  reference text,
  requested_at timestamptz not null,
  processed_at timestamptz,
  -- How often the app got it, to send it or to ask about it.
  tries integer not null default 0,
  tried_at timestamptz,
  next_try_at timestamptz not null default now(),
  razorpay_refund_id text,
  -- The reason of the last failure.
  failure text,

  constraint kind_is_known check (kind in ('deal', 'bounce')),
  constraint status_is_known check (status in ('requested', 'processed')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint processed_has_a_time check ((status = 'processed') = (processed_at is not null))
);
comment on table private.refunds is 'Requested refunds; the app sends them.';
alter table private.refunds enable row level security;
create unique index refunds_of_deal on private.refunds (conversation_id)
where kind = 'deal' and status = 'requested';
create unique index refunds_bounce on private.refunds (payment_id) where kind = 'bounce';
create index refunds_requested on private.refunds (requested_at) where status = 'requested';
create index refunds_of_conversation on private.refunds (conversation_id);
create index refunds_of_payment on private.refunds (payment_id);
create index refunds_next_try on private.refunds (next_try_at) where status = 'requested';

create table private.payouts (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references private.conversations (id),
  influencer_id uuid not null references public.users (id),
  amount_minor bigint not null,
  currency text not null default 'INR',
  status text not null default 'owed',
  created_at timestamptz not null,
  reference text,
  paid_at timestamptz,

  constraint status_is_known check (status in ('owed', 'paid')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint one_payout_a_deal unique (conversation_id),
  constraint paid_has_a_time check ((status = 'paid') = (paid_at is not null))
);
comment on table private.payouts is 'Amounts that influencers are owed, in paise.';
alter table private.payouts enable row level security;
create index payouts_of_influencer on private.payouts (influencer_id);
create index payouts_owed on private.payouts (created_at) where status = 'owed';

create table private.payment_refunds (
  refund_id text primary key,
  payment_id text not null references private.payments (payment_id),
  -- Our request; null: Razorpay, or a person at its dashboard, made the refund.
  request_id uuid references private.refunds (id),
  amount_minor bigint not null,
  currency text not null,
  -- Only forward: created, processed, failed.
  status text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known check (status in ('created', 'processed', 'failed')),
  constraint amount_is_positive check (amount_minor > 0)
);
comment on table private.payment_refunds is 'Refunds, from Razorpay.';
alter table private.payment_refunds enable row level security;
create index payment_refunds_of_payment on private.payment_refunds (payment_id);
create index payment_refunds_of_request on private.payment_refunds (request_id);

create table private.payment_disputes (
  dispute_id text primary key,
  payment_id text not null references private.payments (payment_id),
  amount_minor bigint not null,
  currency text not null,
  -- Only forward: open, under_review or action_required, then won, lost or closed.
  status text not null,
  phase text,
  reason_code text,
  respond_by timestamptz,
  -- Whether the deal was told of the dispute, and of its loss.
  told_opened boolean not null default false,
  told_lost boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known
  check (status in ('open', 'under_review', 'action_required', 'won', 'lost', 'closed')),
  constraint amount_is_positive check (amount_minor > 0)
);
comment on table private.payment_disputes is 'Disputes of the payer''s bank, from Razorpay.';
alter table private.payment_disputes enable row level security;
create index payment_disputes_of_payment on private.payment_disputes (payment_id);

create table private.payment_events (
  id bigint generated always as identity primary key,
  event_id text not null,
  sha256 bytea not null,
  -- The signed bytes; null once they are scrubbed.
  body bytea,
  headers jsonb not null default '{}',
  secret_slot private.secret_slot not null,
  mode private.payment_mode not null,
  -- The app's RAZORPAY_ACCOUNT_ID; null: any.
  account_id text,
  event_type text,
  razorpay_order_id text,
  razorpay_payment_id text,
  -- Set by processing; searches go through the order, so that no event pays for an index here.
  conversation_id uuid,
  status private.event_status not null default 'received',
  outcome text,
  error text,
  attempts integer not null default 0,
  -- How often its deal was locked by another session.
  lock_timeouts integer not null default 0,
  -- When a touch may apply it, if it is still waiting.
  next_try_at timestamptz not null default now() + interval '10 seconds',
  deliveries integer not null default 1,
  received_at timestamptz not null default now(),
  processed_at timestamptz,

  constraint one_row_an_event unique (event_id)
);
comment on table private.payment_events is 'Authentic events: stored first, then processed.';
alter table private.payment_events enable row level security;
create index payment_events_unprocessed on private.payment_events (status, razorpay_order_id)
where status in ('received', 'parked');
create index payment_events_of_order on private.payment_events (razorpay_order_id);
create index payment_events_with_body on private.payment_events (received_at)
where body is not null and status <> 'received';

create table private.payment_audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- webhook, reconcile:<user>, refunds, operator:<user>.
  actor text not null,
  action text not null,
  -- Ids without foreign keys: no row of these tables is ever deleted.
  conversation_id uuid,
  payment_order_id uuid,
  event_row_id bigint,
  details jsonb not null default '{}'
);
comment on table private.payment_audit is 'Who did what about payments; append-only.';
alter table private.payment_audit enable row level security;
create index payment_audit_of_conversation on private.payment_audit (conversation_id, id);

-- Cases that an operator must look at. One row per cause: a repetition counts up `seen`.
create table private.alerts (
  id bigint generated always as identity primary key,
  kind text not null,
  severity text not null,
  key text not null,
  status text not null default 'open',
  -- Ids without foreign keys: an alert must not wait for a session that has locked the deal.
  conversation_id uuid,
  details jsonb not null default '{}',
  seen integer not null default 1,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  event_row_id bigint,
  razorpay_order_id text,
  razorpay_payment_id text,
  resolved_at timestamptz,
  resolved_by uuid references public.users (id),
  note text,

  constraint severity_is_known check (severity in ('info', 'warning', 'critical')),
  constraint status_is_known check (status in ('open', 'resolved')),
  constraint resolved_has_a_time check ((status = 'resolved') = (resolved_at is not null))
);
alter table private.alerts enable row level security;
create unique index alerts_open on private.alerts (key) where status = 'open';
create index alerts_of_conversation on private.alerts (conversation_id);
create index alerts_by_status on private.alerts (status, id);
create index alerts_resolved_by on private.alerts (resolved_by);
