-- The files of messages: private.may_handle_file decides. Nobody may update one.
--
-- To list a bucket, Postgres reads the files of all users: the conversation's id at the front of a
-- name excludes most of them cheaply.
drop policy if exists storage_objects_insert_uploader on storage.objects;
create policy storage_objects_insert_uploader on storage.objects
for insert to authenticated
with check (
  bucket_id = 'attachments' and private.may_handle_file('upload', name, metadata)
);

drop policy if exists storage_objects_select_reader on storage.objects;
create policy storage_objects_select_reader on storage.objects
for select to authenticated
using (
  bucket_id = 'attachments'
  and left(name, 36) = any((select private.list_my_conversation_ids())::text[])
  and private.may_handle_file('read', name)
);

drop policy if exists storage_objects_delete_uploader on storage.objects;
create policy storage_objects_delete_uploader on storage.objects
for delete to authenticated
using (bucket_id = 'attachments' and private.may_handle_file('delete', name));
