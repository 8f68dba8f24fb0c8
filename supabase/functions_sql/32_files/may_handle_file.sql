-- Whether the caller may upload, read or delete a file of the bucket attachments now: the one rule
-- of the policies on storage.objects.
--
-- upload: under `<conversation>/<caller>/<uuid>.<ext>`, while the caller may write there or has a
-- form with a field for files, not across a block, and while few of the caller's files wait to be
-- sent. The request must have a Content-Length: Storage does not limit the size of others. A signed
-- upload is refused, because its URL could replace a file after it was sent. read: files of
-- messages that the caller may read now, of work in the caller's deals, and the caller's unsent
-- files. delete: the caller's unsent files.
-- Never raises: Storage would show the error, and so tell that the name exists.
-- Definer: policies run as the caller, who may not read private tables.
-- Args: the command; the object's name; for an upload its metadata as Storage gives it.
create or replace function private.may_handle_file(
  p_command text,
  p_name text,
  p_metadata jsonb default null
)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  c_max_unsent constant integer := 30;
  v_me constant uuid := private.my_id();
  v_file private.files;
  v_is_mine boolean;
  v_conversation private.conversations;
begin
  if v_me is null or not coalesce(private.is_file_path(p_name), false) then
    return false;
  end if;
  select f.* into v_file from private.files as f where f.path = p_name;
  v_is_mine := split_part(p_name, '/', 2) = v_me::text;

  if p_command = 'upload' then
    -- A repeat of a finished upload passes here, and Storage answers that the file exists.
    if v_file.dropped_at is not null or not v_is_mine
      or coalesce(p_metadata ->> 'contentLength', '') !~ '^[0-9]{1,8}$'
      or storage.operation() = 'storage.object.sign_upload_url'
      or c_max_unsent <= (
        select count(*)
        from private.files as f
        where f.owner_id = v_me and f.path <> p_name
          and f.message_id is null and not f.is_work and f.dropped_at is null
      ) then
      return false;
    end if;
    select c.* into v_conversation
    from private.conversations as c
    where c.id = left(p_name, 36)::uuid and v_me in (c.user_a, c.user_b);
    if not found or not private.may_reach(v_conversation.user_a, v_conversation.user_b) then
      return false;
    end if;
    v_conversation := private.as_of_now(v_conversation);
    return private.takes_free_text(v_conversation) or to_jsonb(private.open_actions(
      v_conversation, v_me, private.role_in(v_conversation, v_me)
    )) @? '$[*].fields[*] ? (@.type == "file")';
  end if;

  if v_file.path is null or v_file.dropped_at is not null then
    return false;
  end if;
  if v_file.message_id is null and not v_file.is_work then
    return v_is_mine;
  end if;
  return p_command = 'read' and private.is_my_conversation(v_file.conversation_id) and (
    v_file.is_work
    or exists (select from private.visible_messages as m where m.id = v_file.message_id)
  );
end;
$$;

-- Whether a text has the form of a file's path, so that its parts are safe to cast.
create or replace function private.is_file_path(p_path text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_id constant text := '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
begin
  return octet_length(p_path) <= 128
    and p_path ~ ('^' || c_id || '/' || c_id || '/' || c_id || '\.[a-z0-9]{1,10}$');
end;
$$;

grant execute on function private.may_handle_file(text, text, jsonb) to authenticated;
