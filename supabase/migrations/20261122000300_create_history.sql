-- The history of each conversation: one row a step, chained by hashes.

create table public.conversation_events (
  conversation_id uuid not null references public.conversations (id),
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
comment on column public.conversation_events.commitment is
  'sha256 of a secret salt and the details: proves them while both are kept, tells nothing after.';
comment on column public.conversation_events.hash is
  'sha256 of the hash before, the columns that stay and the commitment.';
alter table public.conversation_events enable row level security;
grant select on public.conversation_events to authenticated, service_role;

create table private.event_salts (
  conversation_id uuid not null,
  version bigint not null,
  salt bytea not null,

  primary key (conversation_id, version),
  foreign key (conversation_id, version)
  references public.conversation_events (conversation_id, version)
);
comment on table private.event_salts is 'Deleted with the details when an event is scrubbed.';
alter table private.event_salts enable row level security;
