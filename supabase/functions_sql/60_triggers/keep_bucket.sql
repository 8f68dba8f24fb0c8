-- Copies setting attachment_types to the types that the bucket attachments accepts.
--
-- Writes: storage.buckets.
create or replace function private.keep_bucket()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update storage.buckets as b
  set allowed_mime_types = array(select jsonb_array_elements_text(new.value)), updated_at = now()
  where b.id = 'attachments';
  return null;
end;
$$;

create or replace trigger keep_bucket
after insert or update on private.settings
for each row when (new.key = 'attachment_types')
execute function private.keep_bucket();
