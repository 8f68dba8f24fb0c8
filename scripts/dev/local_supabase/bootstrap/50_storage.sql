-- The schema storage of a Supabase project, as far as an application can see it. postgres may fill
-- the tables, make policies and hang triggers on them, and can neither alter them nor delete rows.
-- Left out: the tables behind S3, analytics and vectors, and the functions behind the API's lists.
--
-- Source: supabase/storage 1.11.2, migrations/tenant.

-- From here on everything is made by, and belongs to, the owner of the tables.
set role supabase_storage_admin;
alter default privileges in schema storage
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges in schema storage
  grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges in schema storage
  grant all on sequences to postgres, anon, authenticated, service_role;

create type storage.buckettype as enum ('STANDARD', 'ANALYTICS', 'VECTOR');

create table storage.buckets (
  id text primary key,
  name text not null,
  owner uuid,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  public boolean default false,
  avif_autodetection boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  owner_id text,
  type storage.buckettype not null default 'STANDARD',
  versioning_status text not null default 'DISABLED'
    constraint buckets_versioning_status_check check (versioning_status = 'DISABLED')
);
create unique index bname on storage.buckets (name);
comment on column storage.buckets.owner is 'Field is deprecated, use owner_id instead';

create table storage.objects (
  id uuid primary key default gen_random_uuid(),
  bucket_id text constraint "objects_bucketId_fkey" references storage.buckets (id),
  name text,
  owner uuid,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  last_accessed_at timestamptz default now(),
  metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored,
  version text,
  owner_id text,
  user_metadata jsonb,
  archived_at timestamptz,
  is_delete_marker boolean not null default false,
  is_versioned boolean not null default false
);
create unique index bucketid_objname on storage.objects (bucket_id, name);
create index name_prefix_search on storage.objects (name text_pattern_ops);
create index idx_objects_bucket_id_name on storage.objects (bucket_id, name collate "C");
create index idx_objects_bucket_id_name_lower
  on storage.objects (bucket_id, lower(name) collate "C");
comment on column storage.objects.owner is 'Field is deprecated, use owner_id instead';

-- Without a policy nobody but service_role and postgres (bypassrls) sees or writes a row.
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant all on storage.buckets, storage.objects to postgres with grant option;

-- What policies ask about a name. No set search_path: so that they can be used as on Supabase.

create function storage.foldername(name text) returns text[]
language plpgsql
immutable
as $$
declare
  v_parts constant text[] := string_to_array(name, '/');
begin
  return v_parts[1 : array_length(v_parts, 1) - 1];
end
$$;

create function storage.filename(name text) returns text
language plpgsql
immutable
as $$
declare
  v_parts constant text[] := string_to_array(name, '/');
begin
  return v_parts[array_length(v_parts, 1)];
end
$$;

create function storage.extension(name text) returns text
language plpgsql
immutable
as $$
begin
  return reverse(split_part(reverse(storage.filename(name)), '.', 1));
end
$$;

create function storage.operation() returns text
language plpgsql
stable
as $$
begin
  return current_setting('storage.operation', true);
end
$$;

create function storage.allow_any_operation(expected_operations text[]) returns boolean
language sql
stable
as $$
  select coalesce(
    regexp_replace(nullif(storage.operation(), ''), '^storage\.', '') = any (
      select regexp_replace(expected, '^storage\.', '') from unnest(expected_operations) as expected
    ),
    false
  )
$$;

create function storage.allow_only_operation(expected_operation text) returns boolean
language sql
stable
as $$
  select storage.allow_any_operation(array[expected_operation])
$$;

create function storage.get_size_by_bucket() returns table (size bigint, bucket_id text)
language plpgsql
stable
as $$
begin
  return query
    select sum((o.metadata ->> 'size')::bigint)::bigint, o.bucket_id
    from storage.objects as o
    group by o.bucket_id;
end
$$;

-- Whether the caller may insert the row: PT200 says yes, Postgres' own error no. Always raises.
create function storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb)
returns void
language plpgsql
as $$
begin
  insert into storage.objects (bucket_id, name, owner, metadata)
  values (bucketid, name, owner, metadata);
  raise sqlstate 'PT200' using
    message = 'ROLLBACK', detail = 'rollback successful insert';
end
$$;

create function storage.update_updated_at_column() returns trigger
language plpgsql
as $$
begin
  new.updated_at := now();
  return new;
end
$$;

create function storage.protect_delete() returns trigger
language plpgsql
as $$
begin
  if coalesce(current_setting('storage.allow_delete_query', true), 'false') <> 'true' then
    raise exception
      'Direct deletion from storage tables is not allowed. Use the Storage API instead.'
      using
        errcode = '42501',
        hint = 'This prevents accidental data loss from orphaned objects.';
  end if;
  return null;
end
$$;

create function storage.enforce_bucket_name_length() returns trigger
language plpgsql
as $$
begin
  if length(new.name) > 100 then
    raise exception 'bucket name "%" is too long (% characters). Max is 100.',
      new.name, length(new.name);
  end if;
  return new;
end
$$;

create trigger update_objects_updated_at before update on storage.objects
  for each row execute function storage.update_updated_at_column();
create trigger protect_objects_delete before delete on storage.objects
  for each statement execute function storage.protect_delete();
create trigger protect_buckets_delete before delete on storage.buckets
  for each statement execute function storage.protect_delete();
create trigger enforce_bucket_name_length_trigger
  before insert or update of name on storage.buckets
  for each row execute function storage.enforce_bucket_name_length();

reset role;

-- postgres is a member of the owner, so that it can make policies; whatever else that would allow
-- is refused here, as it is hosted.
create function storage.refuse_to_postgres() returns event_trigger
language plpgsql
set search_path = ''
as $$
declare
  v_refused text;
begin
  if current_user <> 'postgres' then
    return;
  end if;
  if tg_event = 'sql_drop' then
    select o.object_identity into v_refused
    from pg_catalog.pg_event_trigger_dropped_objects() as o
    where o.schema_name = 'storage' and o.object_type not in ('policy', 'trigger');
  else
    select c.object_identity into v_refused
    from pg_catalog.pg_event_trigger_ddl_commands() as c
    where c.schema_name = 'storage' and c.object_type not in ('policy', 'trigger');
  end if;
  if v_refused is not null then
    raise exception 'must be owner of %', v_refused using errcode = '42501';
  end if;
end
$$;
alter function storage.refuse_to_postgres() owner to supabase_storage_admin;
create event trigger storage_keeps_its_tables on ddl_command_end
  execute function storage.refuse_to_postgres();
create event trigger storage_keeps_its_tables_whole on sql_drop
  execute function storage.refuse_to_postgres();
