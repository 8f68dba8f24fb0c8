-- Reports to the operators.

create table private.reports (
  id uuid primary key default gen_random_uuid(),
  reporter_id uuid not null references public.users (id),
  message_id uuid not null,
  conversation_id uuid not null references public.conversations (id),
  reason text not null,
  details text,
  -- The message and those before it as the reporter saw them: evidence outlives their expiry.
  evidence jsonb not null,
  created_at timestamptz not null default now(),

  constraint one_report_a_message_and_reporter unique (reporter_id, message_id),
  constraint reason_is_known
  check (reason in ('spam', 'abuse', 'fraud', 'nudity', 'impersonation', 'other')),
  constraint details_fit check (char_length(details) <= 1000)
);
alter table private.reports enable row level security;
create index reports_of_conversation on private.reports (conversation_id);
