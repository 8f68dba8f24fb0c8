-- Where points went, and how fast users may act.

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
