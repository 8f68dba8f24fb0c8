-- Keeps private.files in step with the objects of the bucket attachments, and sent files unchanged.
--
-- Storage tries an upload as the caller, so policies decide, and then writes its object as
-- service_role. Objects with names of another form are the operators' and have no row.
-- Definer: Storage runs as the caller or as service_role, who may not write private tables.
-- Writes: files.
create or replace function private.note_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if private.is_file_path(new.name) then
    insert into private.files (path, conversation_id, owner_id)
    values (new.name, left(new.name, 36)::uuid, split_part(new.name, '/', 2)::uuid)
    on conflict (path) do nothing;
  end if;
  return null;
end;
$$;

-- Refuses to change or delete an object while a message or submitted work has it, also by an upload
-- that began before: readers get the file that was sent. A name never changes, because messages
-- know the file by it.
--
-- Definer: as private.note_file. Locks: the file's row, so that it waits for a send at the same
-- time.
-- Errors: 42501 (insufficient_privilege); Storage answers 403.
create or replace function private.keep_sent_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_file private.files;
begin
  select f.* into v_file from private.files as f where f.path = old.name for update;
  if v_file.dropped_at is null and (v_file.is_work or v_file.message_id is not null)
    or tg_op = 'UPDATE' and (new.name, new.bucket_id) is distinct from (old.name, old.bucket_id)
  then
    raise insufficient_privilege using message = 'This file was sent: it stays as it is.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end;
$$;

-- Deletes a file's row with its object.
--
-- Definer: as private.note_file. Writes: files.
create or replace function private.forget_file()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from private.files as f where f.path = old.name;
  return null;
end;
$$;

create or replace trigger note_file
after insert or update of bucket_id on storage.objects
for each row when (new.bucket_id = 'attachments')
execute function private.note_file();

create or replace trigger keep_sent_file
before update or delete on storage.objects
for each row when (old.bucket_id = 'attachments')
execute function private.keep_sent_file();

create or replace trigger forget_file
after delete on storage.objects
for each row when (old.bucket_id = 'attachments')
execute function private.forget_file();
