-- What the payment provider tells, and what was done about it. Amounts are in paise.

-- The tables that change here hold no rows before payments are there, and an index of no deal that
-- holds money takes no time to build. The constraint that goes comes back in the next statement.
-- squawk-ignore-file disallowed-unique-constraint, constraint-missing-not-valid
-- squawk-ignore-file adding-field-with-default, adding-not-nullable-field
-- squawk-ignore-file adding-foreign-key-constraint, require-concurrent-index-creation
-- squawk-ignore-file ban-drop-constraint

alter table private.settings drop constraint value_fits_its_key;
alter table private.settings add constraint value_fits_its_key check (
  case
    when key like 'rate\_%' then value = 'null' or jsonb_typeof(value) = 'object' and value @? '
      $ ? (@.burst >= 1 && @.burst <= 1000000 && (
        @.per_second > 0 && @.per_second <= 1000000
        || @.per_minute > 0 && @.per_minute <= 1000000
        || @.per_day > 0 && @.per_day <= 1000000
      ))
    '
    when key = 'expired_grace_days'
      then value = 'null'
        or jsonb_typeof(value) = 'number' and value @? '$ ? (@ >= 0 && @ <= 36500)'
    when key = 'stranger_messages'
      then value = 'null'
        or jsonb_typeof(value) = 'number'
          and value @? '$ ? (@ >= 0 && @ <= 1000000 && @.floor() == @)'
    when key = 'media_hosts' then jsonb_typeof(value) in ('array', 'null')
    -- An unknown zone is an error of "at time zone" itself.
    when key = 'quota_timezone'
      then jsonb_typeof(value) = 'string'
        and (timestamp '2000-01-01' at time zone (value #>> '{}')) is not null
    when key = 'payment_mode' then value in ('"test"', '"live"')
    else jsonb_typeof(value) = 'number'
      and value @? '$ ? (@ >= 0 && @ <= 1000000 && @.floor() == @)'
  end
);
insert into private.settings (key, value, description) values
  ('payment_mode', '"test"', 'Which of Razorpay''s modes pays for deals: "test" or "live"');

alter table private.payment_orders
  drop constraint status_is_known,
  add column mode text not null default 'test',
  -- What Razorpay knows our order by; at most 40 characters there.
  add column receipt text not null generated always as (id::text) stored,
  -- Razorpay's own, once it has the order.
  add column razorpay_order_id text,
  -- What a client opens the checkout with, less what is personal.
  add column checkout jsonb,
  add column polled_at timestamptz,
  add constraint status_is_known check (status in ('open', 'paid', 'superseded', 'cancelled')),
  add constraint mode_is_known check (mode in ('test', 'live'));
create unique index payment_orders_receipt on private.payment_orders (receipt);
create unique index payment_orders_razorpay on private.payment_orders (razorpay_order_id);

create table private.payments (
  payment_id text primary key,
  payment_order_id uuid not null references private.payment_orders (id),
  amount_minor bigint not null,
  currency text not null,
  -- Only forward: created, failed, authorized, captured, refunded; an authorization may come late,
  -- after a failure.
  status text not null,
  method text,
  -- Null while no money has come in; one that was given back before that stays null.
  captured_at timestamptz,
  refunded_minor bigint not null default 0,
  -- Razorpay's fee, of which the taxes on it are a part.
  fee_minor bigint,
  error_code text,
  error_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known
  check (status in ('created', 'failed', 'authorized', 'captured', 'refunded')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint refunded_is_not_negative check (refunded_minor >= 0)
);
comment on table private.payments is 'Attempts to pay an order, as Razorpay tells of them.';
alter table private.payments enable row level security;
create index payments_of_order on private.payments (payment_order_id);

alter table private.refunds
  -- Times that it was handed out to be sent or asked about.
  add column tries integer not null default 0,
  add column tried_at timestamptz,
  add column next_try_at timestamptz not null default now(),
  add column razorpay_refund_id text,
  -- Why it last did not go through.
  add column failure text;
create index refunds_of_payment on private.refunds (payment_id);
create index refunds_next_try on private.refunds (next_try_at) where status = 'requested';

create table private.payment_refunds (
  refund_id text primary key,
  payment_id text not null references private.payments (payment_id),
  -- What we asked for; null: Razorpay, or a person at its dashboard, did it.
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
comment on table private.payment_refunds is 'Refunds as Razorpay tells of them.';
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
  -- Whether the deal was told that the bank disputes, and that the bank has taken the money.
  told_opened boolean not null default false,
  told_lost boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known
  check (status in ('open', 'under_review', 'action_required', 'won', 'lost', 'closed')),
  constraint amount_is_positive check (amount_minor > 0)
);
comment on table private.payment_disputes is 'Disputes of the payer''s bank, as Razorpay tells.';
alter table private.payment_disputes enable row level security;
create index payment_disputes_of_payment on private.payment_disputes (payment_id);

create table private.payment_events (
  id bigint generated always as identity primary key,
  source text not null default 'razorpay',
  event_id text not null,
  sha256 bytea not null,
  -- The bytes as they were signed; null once they are scrubbed.
  body bytea,
  headers jsonb not null default '{}',
  secret_slot text not null,
  mode text not null,
  -- The account that the app says is ours; null: any.
  account_id text,
  event_type text,
  razorpay_order_id text,
  razorpay_payment_id text,
  conversation_id uuid references public.conversations (id),
  status text not null default 'received',
  outcome text,
  error text,
  attempts integer not null default 0,
  deliveries integer not null default 1,
  received_at timestamptz not null default now(),
  processed_at timestamptz,

  constraint source_is_known check (source = 'razorpay'),
  constraint slot_is_known check (secret_slot in ('current', 'previous')),
  constraint mode_is_known check (mode in ('test', 'live')),
  constraint status_is_known check (status in ('received', 'processed', 'ignored', 'parked')),
  constraint one_row_an_event unique (source, event_id)
);
comment on table private.payment_events is 'Authentic events: stored first, then processed.';
alter table private.payment_events enable row level security;
create index payment_events_waiting on private.payment_events (received_at)
where status = 'received';
create index payment_events_parked on private.payment_events (id) where status = 'parked';
create index payment_events_of_order on private.payment_events (razorpay_order_id);
create index payment_events_of_conversation on private.payment_events (conversation_id);
create index payment_events_with_body on private.payment_events (received_at)
where body is not null;

create table private.payment_audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  -- webhook, reconcile:<user>, refunds, operator:<user>.
  actor text not null,
  action text not null,
  conversation_id uuid references public.conversations (id),
  payment_order_id uuid references private.payment_orders (id),
  event_row_id bigint references private.payment_events (id),
  details jsonb not null default '{}'
);
comment on table private.payment_audit is 'What was done about payments, by whom; append-only.';
alter table private.payment_audit enable row level security;
create index payment_audit_of_conversation on private.payment_audit (conversation_id, id);
create index payment_audit_of_order on private.payment_audit (payment_order_id);
create index payment_audit_of_event on private.payment_audit (event_row_id);

alter table private.alerts
  add column event_row_id bigint references private.payment_events (id),
  add column razorpay_order_id text,
  add column razorpay_payment_id text,
  add column resolved_at timestamptz,
  add column resolved_by uuid references public.users (id),
  add column note text,
  add constraint resolved_has_a_time check ((status = 'resolved') = (resolved_at is not null));
create index alerts_by_status on private.alerts (status, id);
create index alerts_of_event on private.alerts (event_row_id);
create index alerts_resolved_by on private.alerts (resolved_by);

alter table private.payouts
  add column reference text,
  add column paid_at timestamptz,
  add constraint paid_has_a_time check ((status = 'paid') = (paid_at is not null));
create index payouts_owed on private.payouts (created_at) where status = 'owed';

create index conversations_holding on public.conversations (id) where held_minor > 0;

create type private.provider_order as (
  razorpay_order_id text,
  amount_minor bigint,
  currency text,
  receipt text
);
comment on type private.provider_order is 'An order as Razorpay tells of it.';

create type private.payment_report as (
  event_type text,
  account_id text,
  -- The order that a payment is for, also where the order itself is not told.
  razorpay_order_id text,
  provider_order private.provider_order,
  payment private.payments,
  refund private.payment_refunds,
  dispute private.payment_disputes
);
comment on type private.payment_report is 'What one event says, read and checked.';

create type private.payment_verdict as (
  outcome text,
  -- processed, ignored or parked: what becomes of the event.
  status text,
  payment_order private.payment_orders,
  razorpay_payment_id text
);
comment on type private.payment_verdict is 'What an event, or an answer of Razorpay, came to.';
