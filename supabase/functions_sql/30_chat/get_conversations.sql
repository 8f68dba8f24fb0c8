-- A page of the caller's conversations, the one with the newest message first.
--
-- The cursor is the position of the last row, `<microseconds since 1970>_<conversation id>`;
-- clients pass it on and do not read it. Pinned conversations come first on the first page, in
-- addition to its size, and on no other page. The page comes from two indexes (the caller is one
-- member or the other) by the hour of the newest message, and is sorted within the hour. So its
-- cost does not grow with the number of messages or conversations.
-- Definer: reads private.my_conversations.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for an unknown filter or a broken cursor.
create or replace function private.get_conversations(
  p_page_size integer,
  p_cursor text,
  p_filter text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off
as $$
declare
  c_cursor constant text := '^[0-9]{1,18}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  v_me constant uuid := private.require_user();
  v_limit constant integer := least(greatest(coalesce(p_page_size, 10), 1), 100);
  v_filter constant text := coalesce(p_filter, 'open');
  v_at timestamptz := timestamptz 'infinity';
  v_hour timestamptz := timestamptz 'infinity';
  v_id uuid := v_me;
  -- At most 20 of them, the newest pins.
  v_pinned constant uuid[] := array(
    select p.conversation_id
    from private.participants as p
    where p.user_id = v_me and p.pinned_at is not null
    order by p.pinned_at desc
    limit 20
  );
  v_ids uuid[];
  v_times timestamptz[];
begin
  if v_filter not in ('open', 'archived', 'my_turn', 'unread', 'direct', 'deals', 'all') then
    perform private.raise_input_invalid(
      'filter', 'one_of', 'The filter is open, archived, my_turn, unread, direct, deals or all.'
    );
  end if;
  if p_cursor is not null then
    if lower(left(p_cursor, 100)) !~ c_cursor then
      perform private.raise_input_invalid(
        'cursor', 'format', 'Pass next_cursor of the page before, or nothing.'
      );
    end if;
    v_at := to_timestamp(0)
      + split_part(p_cursor, '_', 1)::bigint * interval '1 microsecond';
    v_id := split_part(p_cursor, '_', 2)::uuid;
    v_hour := date_bin('1 hour', v_at, timestamptz '2000-01-01 00:00:00+00');
  end if;

  -- One row more than the page, to see whether there is a next one.
  select array_agg(c.id), array_agg(c.last_message_at)
  into v_ids, v_times
  from (
    select c.id, c.last_message_at
    from (
      -- Both halves come in the order of an index, so that Postgres reads only a page of each.
      (
        select
          a.id, a.listed_at, a.last_message_at, a.kind, a.chat_status, a.last_seq, a.deadline_at
        from private.conversations as a
        where a.user_a = v_me
          and a.listed_at <= v_hour and (a.last_message_at, a.id) < (v_at, v_id)
        order by a.listed_at desc, a.last_message_at desc, a.id desc
      )
      union all
      (
        select
          b.id, b.listed_at, b.last_message_at, b.kind, b.chat_status, b.last_seq, b.deadline_at
        from private.conversations as b
        where b.user_b = v_me
          and b.listed_at <= v_hour and (b.last_message_at, b.id) < (v_at, v_id)
        order by b.listed_at desc, b.last_message_at desc, b.id desc
      )
      order by listed_at desc, last_message_at desc, id desc
    ) as c
    -- With "limit" the lateral join keeps the order.
    cross join lateral (
      select p.archived_seq
      from private.participants as p
      where p.conversation_id = c.id and p.user_id = v_me
      limit 1
    ) as me
    where c.id <> all (v_pinned) and case
      when c.deadline_at <= now() or v_filter in ('my_turn', 'unread', 'archived')
        then private.is_listed(c.id, v_filter)
      when v_filter = 'open'
        then c.chat_status <> 'closed' and me.archived_seq is distinct from c.last_seq
      when v_filter = 'direct' then c.kind = 'direct'
      when v_filter = 'deals' then c.kind <> 'direct'
      else true
    end
    order by c.listed_at desc, c.last_message_at desc, c.id desc
    limit v_limit + 1
  ) as c;

  return json_build_object(
    'conversations', (
      select coalesce(json_agg(row_to_json(c) order by page.place), '[]')
      from (
        select u.id, u.place
        from unnest(v_ids) with ordinality as u (id, place)
        where u.place <= v_limit
        union all
        select u.id, u.place - 21
        from unnest(v_pinned) with ordinality as u (id, place)
        where p_cursor is null and private.is_listed(u.id, v_filter)
      ) as page
      cross join lateral (
        select c.* from private.my_conversations as c where c.conversation_id = page.id
        offset 0  -- one at a time: the planner would fetch all of the caller's
      ) as c
    ),
    'next_cursor', case when cardinality(v_ids) > v_limit then
      (extract(epoch from v_times[v_limit]) * 1000000)::bigint || '_' || v_ids[v_limit]
    end
  );
end;
$$;

-- Whether a conversation belongs in its member's list under a filter of get_conversations. open:
-- neither archived nor closed. my_turn: the flow waits for this member. deals: bids and campaigns.
create or replace function private.is_listed(p_conversation_id uuid, p_filter text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_context record;
begin
  select c.kind, c.chat_status, c.awaiting_role, c.my_role, c.archived, c.unread_count
  into v_context
  from private.my_conversations as c
  where c.conversation_id = p_conversation_id;
  return case p_filter
    when 'all' then true
    when 'direct' then v_context.kind = 'direct'
    when 'deals' then v_context.kind <> 'direct'
    when 'my_turn' then coalesce(v_context.awaiting_role = v_context.my_role, false)
    when 'archived' then v_context.archived
    when 'unread' then v_context.unread_count > 0
    else v_context.chat_status <> 'closed' and not v_context.archived
  end;
end;
$$;

-- RPC: a page of the caller's conversations; returns `{conversations, next_cursor}`.
create or replace function public.get_conversations(
  page_size integer default 10,
  cursor text default null,
  filter text default 'open'
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_conversations(page_size, "cursor", filter);
$$;

-- A page of the caller's direct chats: get_conversations with the filter "direct".
--
-- Definer: as get_conversations.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a broken cursor.
create or replace function private.get_direct_connections(p_page_size integer, p_cursor text)
returns json
language sql
stable
security definer
set search_path = ''
as $$
  select private.get_conversations(p_page_size, p_cursor, 'direct');
$$;

-- RPC: a page of the caller's direct chats; returns `{conversations, next_cursor}`.
create or replace function public.get_direct_connections(
  page_size integer default 10,
  cursor text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_direct_connections(page_size, "cursor");
$$;

grant execute on function
  private.get_conversations(integer, text, text), public.get_conversations(integer, text, text),
  private.get_direct_connections(integer, text), public.get_direct_connections(integer, text)
to authenticated;
