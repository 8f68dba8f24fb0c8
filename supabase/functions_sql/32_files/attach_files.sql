-- Attaches files of the caller to a message, or to submitted work: each must exist, must match the
-- list, and must not be attached yet.
--
-- Args: the list as private.read_attachments returns it; the message (null: work).
-- Locks, writes: files. An upload or a deletion of one of them waits, and then finds it sent.
-- Errors: MEDIA_INVALID (422) `{path, rule}`: not_found (also another user's), already_sent, size,
-- media_type.
create or replace function private.attach_files(p_attachments jsonb, p_message_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_me constant uuid := auth.uid();
  v_paths constant text[] := array(
    select a.value ->> 'path' from jsonb_array_elements(p_attachments) as a
  );
  v_path text;
  v_rule text;
begin
  -- Locks no files that are marked for deletion: Storage may have locked them in another order.
  perform 1
  from private.files as f
  where f.path = any (v_paths) and f.dropped_at is null
  order by f.path
  for update;
  select a.path, fault.rule into v_path, v_rule
  from jsonb_to_recordset(p_attachments) as a (path text, media_type text, size bigint)
  left join private.files as f
    on f.path = a.path and f.owner_id = v_me and f.dropped_at is null
  left join storage.objects as o
    on o.bucket_id = 'attachments' and o.name = f.path and o.owner_id = v_me::text
  left join storage.buckets as b on b.id = o.bucket_id
  cross join lateral (
    select case
      when o.id is null then 'not_found'
      when f.is_work or f.message_id is not null then 'already_sent'
      when o.metadata ->> 'size' is distinct from a.size::text or a.size > b.file_size_limit
        then 'size'
      when o.metadata ->> 'mimetype' is distinct from a.media_type
        or a.media_type <> all (b.allowed_mime_types) then 'media_type'
    end
  ) as fault (rule)
  where fault.rule is not null
  limit 1;
  if found then
    perform private.raise_error(
      'MEDIA_INVALID',
      case v_rule
        when 'not_found' then 'There is no such file of yours: upload it first.'
        when 'already_sent' then 'This file was sent before: upload it again to send it twice.'
        when 'size' then 'The file is not as long as you say, or too long.'
        else 'The file is not of this type, or the type is not allowed.'
      end,
      jsonb_build_object('path', v_path, 'rule', v_rule), p_status => 422
    );
  end if;
  update private.files as f
  set message_id = p_message_id, is_work = p_message_id is null
  where f.path = any (v_paths);
end;
$$;

-- A list of files as it is stored, `[{path, name, media_type, size, width, height}]`; null for
-- none. Checks the list; private.attach_files checks the files.
--
-- A name is a message's text in one line and without a path. Call it before any lock is taken.
-- Args: the list; the conversation; the field that errors name.
-- Errors: INPUT_INVALID (422) `{field, rule}`: those of check_json and read_text, list, max_items
-- (10), item (an object with these keys and nothing else), path (not the caller's here), twice,
-- name, media_type, size, dimensions.
create or replace function private.read_attachments(
  p_attachments jsonb,
  p_conversation_id uuid,
  p_field text default 'attachments'
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  c_max_items constant integer := 10;
  v_item jsonb;
  v_rule text;
  v_clean jsonb := jsonb '[]';
begin
  perform private.check_json(p_attachments, p_field, 32768);
  if nullif(p_attachments, 'null') is null then
    return null;
  end if;
  if jsonb_typeof(p_attachments) <> 'array' then
    perform private.raise_input_invalid(p_field, 'list', 'Pass a list of files.');
  end if;
  if jsonb_array_length(p_attachments) > c_max_items then
    perform private.raise_input_invalid(
      p_field, 'max_items', format('At most %s files.', c_max_items)
    );
  end if;
  for v_item in select a.value from jsonb_array_elements(p_attachments) as a loop
    v_rule := private.find_attachment_fault(v_item, p_conversation_id);
    if v_rule is null then
      v_item := v_item || jsonb_build_object(
        'name', private.read_text(v_item ->> 'name', p_field, 200),
        -- A number may be written as 5.0.
        'size', (v_item ->> 'size')::numeric::bigint,
        'width', (v_item ->> 'width')::numeric::integer,
        'height', (v_item ->> 'height')::numeric::integer
      );
      v_rule := case
        when private.is_blank(v_item ->> 'name') or v_item ->> 'name' ~ '[/\\\n\t\u2028\u2029]'
          or v_item ->> 'name' in ('.', '..') then 'name'
        when v_clean @> jsonb_build_array(jsonb_build_object('path', v_item -> 'path'))
          then 'twice'
      end;
    end if;
    if v_rule is not null then
      perform private.raise_input_invalid(
        p_field, v_rule,
        'Each file is {path, name, media_type, size, width, height}, as you uploaded it.'
      );
    end if;
    v_clean := v_clean || v_item;
  end loop;
  return nullif(v_clean, '[]');
end;
$$;

-- The rule that an item of the list breaks, apart from its name's text; null when it breaks none.
create or replace function private.find_attachment_fault(p_item jsonb, p_conversation_id uuid)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when jsonb_typeof(p_item) <> 'object' then 'item'
    when p_item - array['path', 'name', 'media_type', 'size', 'width', 'height'] <> '{}'
      or jsonb_typeof(p_item -> 'name') is distinct from 'string' then 'item'
    when jsonb_typeof(p_item -> 'path') is distinct from 'string'
      or not private.is_file_path(p_item ->> 'path')
      or not starts_with(p_item ->> 'path', p_conversation_id || '/' || auth.uid() || '/')
      then 'path'
    when jsonb_typeof(p_item -> 'media_type') is distinct from 'string'
      or p_item ->> 'media_type' !~ '^[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,99}$' then 'media_type'
    when jsonb_typeof(p_item -> 'size') is distinct from 'number'
      or not p_item @? '$.size ? (@ >= 0 && @ <= 1e9 && @.floor() == @)' then 'size'
    when (coalesce(p_item -> 'width', 'null') = 'null')
      <> (coalesce(p_item -> 'height', 'null') = 'null')
      or p_item @? '
        strict $.keyvalue() ? (@.key == "width" || @.key == "height").value ? (
          @ != null && !(@.type() == "number" && @ >= 1 && @ <= 100000 && @.floor() == @)
        )
      ' then 'dimensions'
  end;
end;
$$;
