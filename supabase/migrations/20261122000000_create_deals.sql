-- What deals are about (bids, campaigns, applications) and what a deal adds to a conversation.

-- Writes to conversations wait while this runs, for one scan: no row can break the new constraints,
-- since there were no deals before, and an index of none of them takes no time to build.
-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid
-- squawk-ignore-file require-concurrent-index-creation

create table public.bids (
  id uuid primary key default gen_random_uuid(),
  influencer_id uuid not null references public.users (id),
  title text not null,
  description text not null,
  amount_minor bigint,
  amount numeric(12, 2) generated always as (amount_minor / 100.0) stored,
  currency text not null default 'INR',
  status text not null default 'open',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known check (status in ('open', 'closed')),
  constraint title_fits check (char_length(title) between 1 and 200),
  constraint description_fits check (char_length(description) between 1 and 5000),
  constraint amount_is_positive check (amount_minor > 0)
);
comment on table public.bids is 'What an influencer offers; brand owners connect to it.';
comment on column public.bids.amount_minor is 'A hint in paise, not binding; amount has it in rupees.';
alter table public.bids enable row level security;
grant select on public.bids to authenticated, service_role;
create index bids_of_influencer on public.bids (influencer_id, created_at desc);
create index bids_open on public.bids (created_at desc) where status = 'open';

create table public.campaigns (
  id uuid primary key default gen_random_uuid(),
  brand_owner_id uuid not null references public.users (id),
  title text not null,
  brief text not null,
  budget_minor bigint,
  budget numeric(12, 2) generated always as (budget_minor / 100.0) stored,
  currency text not null default 'INR',
  status text not null default 'open',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known check (status in ('open', 'closed')),
  constraint title_fits check (char_length(title) between 1 and 200),
  constraint brief_fits check (char_length(brief) between 1 and 5000),
  constraint budget_is_positive check (budget_minor > 0)
);
comment on table public.campaigns is 'What a brand owner looks for; influencers apply.';
comment on column public.campaigns.budget_minor is 'In paise, not binding; budget has it in rupees.';
alter table public.campaigns enable row level security;
grant select on public.campaigns to authenticated, service_role;
create index campaigns_of_brand_owner on public.campaigns (brand_owner_id, created_at desc);
create index campaigns_open on public.campaigns (created_at desc) where status = 'open';

create table public.requests (
  id uuid primary key default gen_random_uuid(),
  campaign_id uuid not null references public.campaigns (id),
  influencer_id uuid not null references public.users (id),
  quote_minor bigint,
  quote numeric(12, 2) generated always as (quote_minor / 100.0) stored,
  pitch text,
  status text not null default 'pending',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint status_is_known check (status in ('pending', 'accepted', 'rejected', 'closed')),
  constraint pitch_fits check (char_length(pitch) <= 5000),
  constraint quote_is_positive check (quote_minor > 0)
);
comment on table public.requests is 'An influencer''s application to a campaign.';
alter table public.requests enable row level security;
grant select on public.requests to authenticated, service_role;
create unique index requests_one_alive on public.requests (campaign_id, influencer_id)
where status in ('pending', 'accepted');
create index requests_of_campaign on public.requests (campaign_id, created_at desc);
create index requests_of_influencer on public.requests (influencer_id, created_at desc);

alter table public.conversations
add column bid_id uuid references public.bids (id),
add column campaign_id uuid references public.campaigns (id),
add column request_id uuid references public.requests (id),
-- The version of the flow that this conversation started with, and stays on.
add column flow_id bigint,
add column entered_at timestamptz not null default now(),
-- When the newest step that a clock took was due.
add column timed_at timestamptz,
add column delivery_due_at timestamptz,
add column close_reason text,
add column closed_by uuid references public.users (id),
-- The books of a deal, in paise; private.escrow_ledger has every entry.
add column captured_minor bigint,
add column held_minor bigint,
add column released_minor bigint,
add column fee_minor bigint,
add column refunded_minor bigint,
add column charged_back_minor bigint,
add constraint deal_has_its_subject check (
  (bid_id is not null) = (kind = 'bid') and (campaign_id is not null) = (kind = 'campaign')
),
add constraint only_deals_have_books check (
  (kind = 'direct') = (captured_minor is null)
  and num_nulls(
    captured_minor, held_minor, released_minor, fee_minor, refunded_minor, charged_back_minor
  ) in (0, 6)
),
add constraint books_balance check (
  held_minor >= 0
  and held_minor
    = captured_minor - released_minor - fee_minor - refunded_minor - charged_back_minor
),
add constraint closed_deal_holds_nothing check (flow_state <> 'chat_closed' or held_minor = 0),
add constraint work_status_is_known check (
  work_status in (
    'in_progress', 'submitted', 'revision_requested', 'approved', 'cancelled', 'disputed'
  )
);
comment on column public.conversations.current_action_data is
  'The open action as both sides may know it: its id, state and reader. What it says is in the '
  'message that its reader alone sees, and in that reader''s context.';
comment on column public.conversations.flow_data is
  'What the flow keeps of a deal; docs/FLOW.md lists the keys.';
comment on column public.conversations.version is 'Counts the steps of the flow.';
create unique index conversations_open_bid on public.conversations (bid_id, brand_owner_id)
where bid_id is not null and flow_state <> 'chat_closed';
create unique index conversations_open_campaign
on public.conversations (campaign_id, influencer_id)
where campaign_id is not null and flow_state <> 'chat_closed';
create index conversations_of_bid on public.conversations (bid_id, brand_owner_id)
where bid_id is not null;
create index conversations_of_campaign on public.conversations (campaign_id, influencer_id)
where campaign_id is not null;
create index conversations_of_request on public.conversations (request_id)
where request_id is not null;
create index conversations_due on public.conversations (deadline_at)
where deadline_at is not null;
create index conversations_closed_by on public.conversations (closed_by)
where closed_by is not null;
-- Direct chats are left out: each message would touch their entry.
create index conversations_of_flow on public.conversations (flow_id) where kind <> 'direct';
-- The open action messages of a conversation; completed ones leave the index.
create index messages_open_actions on public.messages (conversation_id, seq)
where action_required and not action_completed;

alter table private.participants
-- The version of the context right after the newest step of the flow, as this member saw it.
add column stepped_version bigint not null default 0;

create table public.offers (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id),
  -- The step of the flow that made it.
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
comment on table public.offers is 'Every price named in a deal; rows are only ever added.';
alter table public.offers enable row level security;
grant select on public.offers to authenticated, service_role;

create table public.work_submissions (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id),
  number integer not null,
  deliverables text not null,
  description text,
  submission_notes text,
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

create table private.disputes (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id),
  opened_by uuid references public.users (id),
  origin text not null,
  reason text,
  opened_at timestamptz not null,
  verdict text,
  closed_by uuid references public.users (id),
  closed_at timestamptz,
  note text,

  constraint origin_is_known check (origin in ('party', 'bank', 'admin')),
  constraint closed_with_a_verdict check ((verdict is null) = (closed_at is null))
);
comment on column private.disputes.note is 'What operators tell each other; no party sees it.';
alter table private.disputes enable row level security;
create unique index disputes_open on private.disputes (conversation_id) where closed_at is null;
create index disputes_of_conversation on private.disputes (conversation_id, opened_at);
create index disputes_of_opener on private.disputes (opened_by) where opened_by is not null;
create index disputes_of_closer on private.disputes (closed_by) where closed_by is not null;

create table private.ratings (
  conversation_id uuid not null references public.conversations (id),
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

-- What an action answered, so that its repeat answers the same.
create table private.action_results (
  user_id uuid not null references public.users (id),
  client_action_id uuid not null,
  conversation_id uuid not null references public.conversations (id),
  -- sha256 of what was asked: a repeat must ask the same.
  request_hash bytea not null,
  result jsonb not null,
  created_at timestamptz not null default now(),

  primary key (user_id, client_action_id)
);
alter table private.action_results enable row level security;
create index action_results_of_conversation on private.action_results (conversation_id);

insert into private.settings (key, value, description) values
  ('rate_action', '{"per_second": 2, "burst": 10}', 'Actions of one user in deals'),
  ('rate_deal', '{"per_day": 50, "burst": 50}', 'New bids, campaigns and deals of one user'),
  ('sweep_batch', '100', 'Deals whose due steps one login_cleanup takes, at most');
