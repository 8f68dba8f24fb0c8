-- The market: bids, campaigns and applications.

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
comment on table public.bids is 'Offers of influencers; brand owners connect to them.';
comment on column public.bids.amount_minor is 'A hint in paise, not binding; amount has it in rupees.';
alter table public.bids enable row level security;
grant select on public.bids to authenticated, service_role;
-- Every client could read the planner's samples through estimated counts.
alter table public.bids
alter column title set statistics 0,
alter column description set statistics 0,
alter column amount_minor set statistics 0,
alter column amount set statistics 0;
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
comment on table public.campaigns is 'Offers of work by brand owners; influencers apply.';
comment on column public.campaigns.budget_minor is 'In paise, not binding; budget has it in rupees.';
alter table public.campaigns enable row level security;
grant select on public.campaigns to authenticated, service_role;
-- Every client could read the planner's samples through estimated counts.
alter table public.campaigns
alter column title set statistics 0,
alter column brief set statistics 0,
alter column budget_minor set statistics 0,
alter column budget set statistics 0;
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
-- Every client could read the planner's samples through estimated counts.
alter table public.requests
alter column quote_minor set statistics 0,
alter column quote set statistics 0,
alter column pitch set statistics 0;
create unique index requests_one_alive on public.requests (campaign_id, influencer_id)
where status in ('pending', 'accepted');
create index requests_of_campaign on public.requests (campaign_id, created_at desc);
create index requests_of_influencer on public.requests (influencer_id, created_at desc);
