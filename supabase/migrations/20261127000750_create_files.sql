-- Files of messages: their bucket in Supabase Storage, and a row for each of them.

do $$
begin
  if to_regclass('storage.objects') is null then
    raise exception 'This database has no schema storage.'
      using hint = 'Start the Storage service of the project once, then migrate again.';
  end if;
end
$$;

insert into private.settings (key, value, description) values (
  'attachment_types',
  '[
    "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic",
    "application/pdf",
    "audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/webm", "audio/wav",
    "video/mp4", "video/webm", "video/quicktime"
  ]',
  'Types of files that messages may carry'
);

-- Private: policies on storage.objects decide about access.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
select
  'attachments', 'attachments', false, 10485760,
  array(select jsonb_array_elements_text(s.value))
from private.settings as s
where s.key = 'attachment_types'
on conflict (id) do update set
  public = excluded.public, file_size_limit = excluded.file_size_limit,
  allowed_mime_types = excluded.allowed_mime_types;

-- Triggers on storage.objects write and delete these rows with the objects.
create table private.files (
  -- The name of the object: <conversation>/<uploader>/<uuid>.<ext>.
  path text primary key,
  -- No foreign keys: operators may upload under any name, and an upload must not fail for a deleted
  -- row.
  conversation_id uuid not null,
  owner_id uuid not null,
  -- The message that carries it. Submitted work has none: both sides of the deal read it.
  message_id uuid,
  is_work boolean not null default false,
  created_at timestamptz not null default now(),
  -- Since when nobody may read it, and when the app tries next to delete it.
  dropped_at timestamptz,
  tries integer not null default 0,
  due_at timestamptz not null default '-infinity',

  constraint message_or_work check (not (is_work and message_id is not null))
);
comment on table private.files is
  'Every object of the bucket attachments: sent, not sent yet, or waiting for its deletion.';
alter table private.files enable row level security;
create index files_of_owner on private.files (owner_id, path);
create index files_unsent on private.files (owner_id, created_at)
where message_id is null and not is_work and dropped_at is null;
create index files_dropped on private.files (due_at) where dropped_at is not null;
