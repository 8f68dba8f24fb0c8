-- Marks the files of a message that is emptied or deleted for their deletion, in the transaction
-- that does it: nobody reads them from then on, and the app has Storage delete them.
--
-- Writes: files.
create or replace function private.drop_files()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update private.files as f
  set dropped_at = now()
  where f.path in (select a.value ->> 'path' from jsonb_array_elements(old.attachments) as a)
    and f.message_id = old.id
    and f.dropped_at is null;
  return null;
end;
$$;

create or replace trigger drop_files_of_emptied
after update of attachments on public.messages
for each row when (old.attachments is not null and new.attachments is null)
execute function private.drop_files();

create or replace trigger drop_files_of_deleted
after delete on public.messages
for each row when (old.attachments is not null)
execute function private.drop_files();
