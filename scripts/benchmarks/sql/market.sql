-- What is on the market: bids of everybody, some of them the reader's, and campaigns. Runs as the
-- superuser; a second run adds nothing.

insert into public.bids (influencer_id, title, description, amount_minor, status, created_at)
select
  case when n % 50 = 0 then bench.id(:reader) else bench.id(1 + n % 200) end,
  'Reels ' || n, 'Thirty seconds each, one round of changes.', 100000 + n,
  case when n % 3 = 0 then 'closed' else 'open' end, now() - n * interval '1 minute'
from generate_series(1, 5000) as n
where not exists (select from public.bids);

insert into public.campaigns (brand_owner_id, title, brief, budget_minor, created_at)
select bench.id(1 + n % 200), 'Campaign ' || n, 'Ten photos at dusk.', 100000 + n,
  now() - n * interval '1 minute'
from generate_series(1, 5000) as n
where not exists (select from public.campaigns);

analyze public.bids, public.campaigns;
