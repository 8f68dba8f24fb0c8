-- Who a user is: a card that every signed-in user may read, and an account that nobody else may.

create table public.users (
  -- = auth.users.id. No foreign key: the system's own card has no login, and a card outlives a
  -- deleted login because the other side's conversations still show it.
  id uuid primary key,
  role text,
  display_name text,
  avatar_url text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),

  constraint role_is_known check (role in ('influencer', 'brand_owner', 'system')),
  constraint display_name_fits check (char_length(display_name) between 1 and 80),
  constraint profile_is_whole check ((role is null) = (display_name is null))
);
comment on table public.users is
  'The public card of a user; role and display_name are null until complete_profile.';
alter table public.users enable row level security;
grant select on public.users to authenticated, service_role;

create table private.accounts (
  user_id uuid primary key references public.users (id),
  phone text,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),

  constraint phone_is_e164 check (phone ~ '^\+[1-9][0-9]{6,14}$')
)
-- The row is locked and rewritten by each of its user's sends; free space keeps that in the page.
with (fillfactor = 50);
comment on table private.accounts is
  'One row a user: what only the user and the server know. Its user''s sends lock it first.';
alter table private.accounts enable row level security;

create table private.settings (
  key text primary key,
  value jsonb not null,
  description text not null
);
comment on table private.settings is 'What an operator may tune without a deploy.';
alter table private.settings enable row level security;

insert into private.settings (key, value, description) values
  ('media_hosts', 'null', 'Hosts media_url may name; "*.example.com" is any subdomain; null: any'),
  ('chat_open_points', '0', 'Points that opening a direct chat costs');

-- The sender of system messages. SYSTEM_USER_ID of the first guide this system was made from.
insert into public.users (id, role, display_name)
values ('00000000-0000-0000-0000-000000000000', 'system', 'Parley');

-- Whoever signed up before this migration gets what the trigger gives to everybody after it.
insert into public.users (id) select u.id from auth.users as u;
insert into private.accounts (user_id) select u.id from auth.users as u;
