-- A page of the caller's conversations, the one with the newest message first.
--
-- The cursor is the position of the last row, `<microseconds since 1970>_<conversation id>`; it
-- is the client's to carry, not to read. The page is found on two indexes (the caller is one
-- member or the other), so that its cost does not grow with the number of messages. Pinned
-- conversations come first, on the first page and beyond its size, and nowhere else.
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
as $$
declare
  c_cursor constant text := '^[0-9]{1,18}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 10, 100);
  v_at timestamptz := timestamptz 'infinity';
  v_id uuid;
  -- At most 20 of them, the newest pins.
  v_pinned constant uuid[] := array(
    select p.conversation_id
    from private.participants as p
    where p.user_id = v_me and p.pinned_at is not null
    order by p.pinned_at desc
    limit 20
  );
  v_answer json;
begin
  if p_filter not in ('open', 'archived', 'my_turn', 'unread', 'direct', 'deals', 'all') then
    perform private.raise_input_invalid(
      'filter', 'one_of', 'The filter is open, archived, my_turn, unread, direct, deals or all.'
    );
  end if;
  if p_cursor !~ c_cursor then
    perform private.raise_input_invalid(
      'cursor', 'format', 'Pass next_cursor of the page before, or nothing.'
    );
  end if;
  if p_cursor is not null then
    v_at := to_timestamp(0)
      + split_part(p_cursor, '_', 1)::bigint * interval '1 microsecond';
    v_id := split_part(p_cursor, '_', 2)::uuid;
  end if;

  with page as (
    select
      c.id,
      c.last_message_at,
      row_number() over (order by c.last_message_at desc, c.id desc) as place
    from (
      -- Both halves come in the order of an index, so that only a page of them is read.
      select c.*
      from (
        (
          select a.* from public.conversations as a
          where a.user_a = v_me and (a.last_message_at, a.id) < (v_at, coalesce(v_id, v_me))
          order by a.last_message_at desc, a.id desc
        )
        union all
        (
          select b.* from public.conversations as b
          where b.user_b = v_me and (b.last_message_at, b.id) < (v_at, coalesce(v_id, v_me))
          order by b.last_message_at desc, b.id desc
        )
      ) as c
      order by c.last_message_at desc, c.id desc
    ) as c
    -- "limit" keeps the order of what it is joined to.
    cross join lateral (
      select p.* from private.participants as p
      where p.conversation_id = c.id and p.user_id = v_me
      limit 1
    ) as me
    where c.id <> all (v_pinned) and private.is_listed(c, me, coalesce(p_filter, 'open'))
    order by c.last_message_at desc, c.id desc
    limit v_limit + 1
  )
  select json_build_object(
    'conversations', coalesce(
      (
        select json_agg(row_to_json(c) order by p.place)
        from (
          select page.id, page.place from page where page.place <= v_limit
          union all
          select c.id, array_position(v_pinned, c.id) - 21
          from public.conversations as c
          join private.participants as me on me.conversation_id = c.id and me.user_id = v_me
          where p_cursor is null
            and c.id = any (v_pinned)
            and private.is_listed(c, me, coalesce(p_filter, 'open'))
        ) as p
        cross join lateral (
          select c.* from private.my_conversations as c where c.conversation_id = p.id
          offset 0  -- one at a time: the planner would fetch all of the caller's
        ) as c
      ),
      '[]'
    ),
    'next_cursor', (
      select (extract(epoch from p.last_message_at) * 1000000)::bigint || '_' || p.id
      from page as p
      where p.place = v_limit and exists (select from page as q where q.place > v_limit)
    )
  )
  into v_answer;
  return v_answer;
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
security invoker
set search_path = ''
as $$
  select private.get_conversations(page_size, "cursor", filter);
$$;

revoke all on function private.get_conversations(integer, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.get_conversations(integer, text, text) to authenticated;
revoke all on function public.get_conversations(integer, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.get_conversations(integer, text, text) to authenticated;
