-- When a message is emptied or deleted, marks its files for deletion in the same transaction: from
-- then on nobody can read them, and the app has Storage delete them.
--
-- Writes: files.
create or replace function private.drop_files()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' or new.attachments is null then
    update private.files as f
    set dropped_at = now()
    where f.path in (select a.value ->> 'path' from jsonb_array_elements(old.attachments) as a)
      and f.message_id = old.id
      and f.dropped_at is null;
  end if;
  return null;
end;
$$;

create or replace trigger drop_files
after update of attachments or delete on public.messages
for each row when (old.attachments is not null)
execute function private.drop_files();
