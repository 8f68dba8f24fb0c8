-- Messages that disappear: hidden by the clock, flagged and emptied later at a login.

alter table public.messages
add column scrubbed_at timestamptz,
add constraint only_user_input_expires check (expires_at is null or message_type = 'user_input'),
add constraint expiry_is_within_1_and_2160_hours check (
  expires_at between created_at + interval '1 hour' and created_at + interval '2160 hours'
),
add constraint scrubbed_is_empty check (scrubbed_at is null or (message = '' and media_url is null));
comment on column public.messages.is_expired is
  'Bookkeeping of login_cleanup. Whether a message is shown is decided by expires_at alone.';

-- is_expired is in neither predicate, so that flagging a row touches no index.
create index messages_expiring_of_sender on public.messages (sender_id, expires_at)
where expires_at is not null and scrubbed_at is null;
create index messages_expiring_of_receiver on public.messages (receiver_id, expires_at)
where expires_at is not null and scrubbed_at is null;

alter table private.accounts
add column cleaned_at timestamptz not null default '-infinity',
-- Every message of the user that expired before this is flagged.
add column flagged_until timestamptz not null default '-infinity';

create table private.legal_holds (
  conversation_id uuid primary key references public.conversations (id),
  reason text not null,
  placed_at timestamptz not null default now()
);
comment on table private.legal_holds is
  'While a conversation is listed, nothing in it is emptied and no new message may expire.';
alter table private.legal_holds enable row level security;

insert into private.settings (key, value, description) values
  ('expired_grace_days', '30', 'Days until an expired message is emptied; null: never'),
  ('cleanup_batch', '500', 'Messages that one login_cleanup flags, and empties, at most');
