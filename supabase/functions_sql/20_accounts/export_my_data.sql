-- RPC: all that is the caller's own, in pages; returns `{version, section, rows, next_cursor}`. A
-- page is of one section: profile, bids, campaigns, applications, conversations, messages, files,
-- work, ratings, points, payouts, blocks, reports, devices, notifications; the last one has no
-- next_cursor. Rows have the columns of the tables; messages and files are those the caller sent
-- and may still read.
create or replace function public.export_my_data(
  cursor text default null,
  page_size integer default 500
)
returns json
language sql
set search_path = ''
as $$
  select private.export_my_data(cursor, page_size);
$$;

-- A page of the caller's own data.
--
-- Definer: much of it is private. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field: "cursor", rule: "format"}`,
-- RATE_LIMITED (429).
create or replace function private.export_my_data(p_cursor text, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_sections constant text[] := array[
    'profile', 'bids', 'campaigns', 'applications', 'conversations', 'messages', 'files', 'work',
    'ratings', 'points', 'payouts', 'blocks', 'reports', 'devices', 'notifications'
  ];
  c_after constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_[0-9]{1,18})?$';
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 500, 1000);
  v_section text := c_sections[1];
  v_after text;
  v_rows json;
  v_count integer;
  v_last text;
begin
  if p_cursor is not null then
    v_section := split_part(left(p_cursor, 200), ':', 1);
    v_after := nullif(split_part(lower(left(p_cursor, 200)), ':', 2), '');
    if v_section <> all (c_sections) or v_after !~ c_after and v_after !~ '^[0-9]{1,18}$'
      and not private.is_file_path(v_after) then
      perform private.raise_input_invalid(
        'cursor', 'format', 'Pass next_cursor of the page before, or nothing.'
      );
    end if;
  end if;
  perform private.limit_rate(v_me, 'export');
  select json_agg(r.item order by r.place), count(*), (array_agg(r.key order by r.place desc))[1]
  into v_rows, v_count, v_last
  from (
    select r.key, r.item, row_number() over () as place
    from private.list_my_rows(v_me, v_section, v_after, v_limit) as r
  ) as r;
  return json_build_object(
    'version', 1,
    'section', v_section,
    'rows', coalesce(v_rows, '[]'),
    'next_cursor', case
      when v_count = v_limit then v_section || ':' || v_last
      else c_sections[array_position(c_sections, v_section) + 1] || ':'
    end
  );
end;
$$;

-- A user's rows of one section after a key, in the order of their keys.
create or replace function private.list_my_rows(
  p_user_id uuid,
  p_section text,
  p_after text,
  p_limit integer
)
returns table (key text, item jsonb)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_id constant uuid := case when p_after like '%-%' then left(p_after, 36)::uuid end;
  v_number constant bigint := case
    when p_after like '%-%' then nullif(split_part(p_after, '_', 2), '')::bigint
    else p_after::bigint
  end;
begin
  case p_section
    when 'profile' then
      return query select u.id::text, private.get_profile()::jsonb
      from public.users as u where u.id = p_user_id and v_id is null;
    when 'bids' then
      return query select b.id::text, to_jsonb(b) from public.bids as b
      where b.influencer_id = p_user_id and (v_id is null or b.id > v_id)
      order by b.id limit p_limit;
    when 'campaigns' then
      return query select c.id::text, to_jsonb(c) from public.campaigns as c
      where c.brand_owner_id = p_user_id and (v_id is null or c.id > v_id)
      order by c.id limit p_limit;
    when 'applications' then
      return query select r.id::text, to_jsonb(r) from public.requests as r
      where r.influencer_id = p_user_id and (v_id is null or r.id > v_id)
      order by r.id limit p_limit;
    when 'conversations' then
      return query
      select
        p.conversation_id::text,
        jsonb_build_object(
          'id', c.id, 'kind', c.kind, 'role', p.role, 'created_at', c.created_at,
          'last_message_at', c.last_message_at, 'read_seq', p.read_seq,
          'pinned_at', p.pinned_at, 'muted_until', p.muted_until
        )
      from private.participants as p
      join private.conversations as c on c.id = p.conversation_id
      where p.user_id = p_user_id and (v_id is null or p.conversation_id > v_id)
      order by p.conversation_id limit p_limit;
    when 'messages' then
      return query
      select
        m.conversation_id || '_' || m.seq,
        jsonb_build_object(
          'id', m.id, 'conversation_id', m.conversation_id, 'seq', m.seq, 'message', m.message,
          'media_url', m.media_url, 'attachments', m.attachments,
          'message_type', m.message_type, 'action_data', m.action_data,
          'reply_to', m.reply_to, 'expires_at', m.expires_at, 'created_at', m.created_at
        )
      from private.participants as p
      join public.messages as m
        on m.conversation_id = p.conversation_id and m.sender_id = p_user_id
      where p.user_id = p_user_id
        and (m.expires_at is null or m.expires_at > now())
        and (v_id is null or (m.conversation_id, m.seq) > (v_id, v_number))
      order by m.conversation_id, m.seq limit p_limit;
    when 'files' then
      return query
      select
        f.path,
        jsonb_build_object(
          'path', f.path, 'conversation_id', f.conversation_id, 'message_id', f.message_id,
          'is_work', f.is_work, 'size', (o.metadata ->> 'size')::bigint,
          'media_type', o.metadata ->> 'mimetype', 'created_at', f.created_at
        )
      from private.files as f
      join storage.objects as o on o.bucket_id = 'attachments' and o.name = f.path
      left join private.visible_messages as m on m.id = f.message_id
      where f.owner_id = p_user_id and f.dropped_at is null
        and (f.message_id is null or m.id is not null)
        and f.path > coalesce(p_after, '')
      order by f.path limit p_limit;
    when 'work' then
      return query
      select w.id::text, to_jsonb(w) - 'feedback'
      from public.work_submissions as w
      join private.conversations as c on c.id = w.conversation_id
      where c.influencer_id = p_user_id and (v_id is null or w.id > v_id)
      order by w.id limit p_limit;
    when 'ratings' then
      return query select r.conversation_id::text, to_jsonb(r) from private.ratings as r
      where r.rater_id = p_user_id and (v_id is null or r.conversation_id > v_id)
      order by r.conversation_id limit p_limit;
    when 'points' then
      return query select l.id::text, to_jsonb(l) from private.points_ledger as l
      where l.user_id = p_user_id and (v_number is null or l.id > v_number)
      order by l.id limit p_limit;
    when 'payouts' then
      return query select o.id::text, to_jsonb(o) from private.payouts as o
      where o.influencer_id = p_user_id and (v_id is null or o.id > v_id)
      order by o.id limit p_limit;
    when 'blocks' then
      return query select b.blocked_id::text, to_jsonb(b) from public.blocks as b
      where b.blocker_id = p_user_id and (v_id is null or b.blocked_id > v_id)
      order by b.blocked_id limit p_limit;
    when 'reports' then
      -- The evidence has other users' messages.
      return query select r.id::text, to_jsonb(r) - 'evidence' from private.reports as r
      where r.reporter_id = p_user_id and (v_id is null or r.id > v_id)
      order by r.id limit p_limit;
    when 'devices' then
      return query select t.id::text, to_jsonb(t) - 'keys' from private.push_tokens as t
      where t.user_id = p_user_id and t.id::text > coalesce(p_after, '')
      order by t.id::text limit p_limit;
    when 'notifications' then
      return query select n.id::text, to_jsonb(n) from private.notifications as n
      where n.user_id = p_user_id and (v_number is null or n.id > v_number)
      order by n.id limit p_limit;
  end case;
end;
$$;

grant execute on function private.export_my_data(text, integer) to authenticated;
grant execute on function public.export_my_data(text, integer) to authenticated;
