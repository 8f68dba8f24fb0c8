-- Tables of deals: prices, work, disputes, ratings, history.

create table public.offers (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references private.conversations (id),
  -- The version of the step that made it.
  version bigint not null,
  round integer not null,
  made_by text not null,
  amount_minor bigint not null,
  price numeric(12, 2) not null generated always as (amount_minor / 100.0) stored,
  currency text not null default 'INR',
  is_final boolean not null default false,
  created_at timestamptz not null,

  constraint one_offer_a_step unique (conversation_id, version),
  constraint made_by_a_party check (made_by in ('influencer', 'brand_owner')),
  constraint amount_is_positive check (amount_minor > 0),
  constraint round_is_a_count check (round >= 0)
);
comment on table public.offers is 'Every price named in a deal; append-only.';
alter table public.offers enable row level security;
grant select on public.offers to authenticated, service_role;
-- Every client could read the planner's samples through estimated counts.
alter table public.offers
alter column amount_minor set statistics 0,
alter column price set statistics 0;

create table public.work_submissions (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references private.conversations (id),
  number integer not null,
  deliverables text not null,
  description text,
  submission_notes text,
  attachments jsonb,
  status text not null default 'submitted',
  feedback text,
  submitted_at timestamptz not null,
  reviewed_at timestamptz,

  constraint one_number_a_submission unique (conversation_id, number),
  constraint status_is_known
  check (status in ('submitted', 'revision_requested', 'approved', 'withdrawn')),
  constraint texts_fit check (
    char_length(deliverables) <= 5000
    and char_length(description) <= 5000
    and char_length(submission_notes) <= 5000
    and char_length(feedback) <= 5000
  )
);
alter table public.work_submissions enable row level security;
grant select on public.work_submissions to authenticated, service_role;
-- Every client could read the planner's samples through estimated counts.
alter table public.work_submissions
alter column deliverables set statistics 0,
alter column description set statistics 0,
alter column submission_notes set statistics 0,
alter column attachments set statistics 0,
alter column feedback set statistics 0;

create table private.disputes (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references private.conversations (id),
  opened_by uuid references public.users (id),
  origin text not null,
  reason text,
  opened_at timestamptz not null,
  verdict text,
  closed_by uuid references public.users (id),
  closed_at timestamptz,
  note text,

  constraint origin_is_known check (origin in ('party', 'bank', 'admin', 'clock')),
  constraint closed_with_a_verdict check ((verdict is null) = (closed_at is null))
);
comment on column private.disputes.note is 'For operators only; the parties never see it.';
alter table private.disputes enable row level security;
create unique index disputes_open on private.disputes (conversation_id) where closed_at is null;
create index disputes_of_conversation on private.disputes (conversation_id, opened_at);
create index disputes_of_opener on private.disputes (opened_by) where opened_by is not null;
create index disputes_of_closer on private.disputes (closed_by) where closed_by is not null;

create table private.ratings (
  conversation_id uuid not null references private.conversations (id),
  rater_id uuid not null references public.users (id),
  rating integer not null,
  comment text,
  created_at timestamptz not null,

  primary key (conversation_id, rater_id),
  constraint rating_is_1_to_5 check (rating between 1 and 5),
  constraint comment_fits check (char_length(comment) <= 1000)
);
comment on table private.ratings is
  'Double-blind: get_ratings shows them when both have rated, or 14 days after the first.';
alter table private.ratings enable row level security;
create index ratings_by_rater on private.ratings (rater_id);

-- Answers to actions, for their repeats. No foreign keys: the only writer holds the lock of the
-- conversation's row.
create table private.action_results (
  user_id uuid not null,
  client_action_id uuid not null,
  conversation_id uuid not null,
  -- sha256 of the request: a repeat must have the same.
  request_hash bytea not null,
  -- The data of the answer: the messages by number, and the change of state.
  first_seq bigint not null,
  last_seq bigint not null,
  flow_update jsonb not null,
  -- Whether a deal was opened; null for other actions.
  is_created boolean,
  created_at timestamptz not null default now(),

  primary key (user_id, client_action_id)
);
alter table private.action_results enable row level security;

-- No foreign keys: a step is written under the lock of its conversation, and neither is ever
-- deleted.
create table public.conversation_events (
  conversation_id uuid not null,
  version bigint not null,
  actor_role text not null,
  actor_id uuid,
  action text not null,
  from_state text not null,
  to_state text not null,
  -- Null once scrubbed; the commitment stays.
  details jsonb,
  created_at timestamptz not null,
  effective_at timestamptz not null,
  commitment bytea not null,
  hash bytea not null,

  primary key (conversation_id, version),
  constraint actor_role_is_known
  check (actor_role in ('influencer', 'brand_owner', 'member', 'system', 'admin')),
  constraint effective_is_not_ahead check (effective_at <= created_at)
);
-- For the metrics of the last minutes.
create index conversation_events_recent on public.conversation_events using brin (created_at);
comment on column public.conversation_events.commitment is
  'sha256 of a secret salt and the details: proves them while both are kept, tells nothing after.';
comment on column public.conversation_events.hash is
  'sha256 of the hash before, the columns that stay and the commitment.';
alter table public.conversation_events enable row level security;
grant select on public.conversation_events to authenticated, service_role;
-- Every client could read the planner's samples through estimated counts.
alter table public.conversation_events
alter column details set statistics 0,
alter column commitment set statistics 0,
alter column hash set statistics 0;

create table private.event_salts (
  conversation_id uuid not null,
  version bigint not null,
  salt bytea not null,

  primary key (conversation_id, version)
);
comment on table private.event_salts is 'Deleted with the details when an event is scrubbed.';
alter table private.event_salts enable row level security;

-- A step of a conversation while it is taken: the request and its results.
create type private.flow_step as (
  -- Locked, without a due step, unless this is a trial; at the end the conversation after the step.
  conversation private.conversations,
  -- Null: the system, or an operator who came with the service key.
  actor_id uuid,
  role text,
  action text,
  input jsonb,
  -- The texts of the input that may not reach the other side; empty when all may.
  withheld jsonb,
  -- The time of the step; of a deadline, when it was due.
  at timestamptz,
  -- In a trial only the conversation in memory changes.
  is_trial boolean,

  -- To recognize a repeat, and its answer.
  client_action_id uuid,
  request_hash bytea,
  earlier json,

  -- For the taken row: the flow's rules, the conversation before it, and the reason of the change.
  rules jsonb,
  before private.conversations,
  reason text,

  -- The results, with those of its follow-ups.
  from_state text,
  path text[],
  effects text[],
  messages public.messages[],
  -- The type of the notification that goes with each message; null: none.
  notifications text[],
  -- The messages that the actor may see, as clients get them.
  heard jsonb
);
