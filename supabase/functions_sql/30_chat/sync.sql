-- Everything that the caller has missed, whether or not a broadcast arrived.
--
-- Args: the client's conversations, `{"<conversation id>": <last seq>}` or `{"<conversation id>":
-- {"seq": <last seq>, "version": <version of the context>}}`, at most 2,000 of them; how many
-- messages at most (1..1000). A conversation that is not named comes whole. Changes without a
-- message (a receipt, a preference, a block, an expired deadline) come only where a version is
-- given.
-- Returns `{conversations, messages, has_more, server_now}`: the messages after the known ones,
-- the most recently active conversation first, oldest first within one; the contexts of their
-- conversations and, with the last page, of those that changed without a message for the caller.
-- While has_more is true, add the received messages to `known` and call again. Returned messages
-- count as delivered.
-- Definer: reads the private views, writes the caller's marks.
-- Locks: the caller's account, then the caller's rows of private.participants, in the order of
-- their ids. Writes: accounts, and as advance_receipts.
-- Errors: AUTH_REQUIRED (401), and those of read_known_seqs.
create or replace function private.sync(p_known jsonb, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_me constant uuid := private.require_user();
  v_known constant jsonb := private.read_known_seqs(p_known);
  v_limit constant integer := least(greatest(coalesce(p_page_size, 500), 1), 1000);
  v_messages json;
  v_conversations json;
  v_reached uuid[];
  v_delivered_seqs bigint[];
  v_has_more boolean;
begin
  perform private.note_visit(v_me);

  with changed as materialized (
    select c.id, c.last_seq, c.last_message_at, c.known_seq
    from (
      select
        k.*, coalesce((k.known -> 'seq')::bigint, k.known::bigint, 0) as known_seq,
        (k.known -> 'version')::bigint as known_version
      from (
        select
          a.id, a.last_seq, a.last_message_at, a.deadline_at, a.version, a.timed_at,
          v_known -> a.id::text as known
        from private.conversations as a
        where a.user_a = v_me
        union all
        select
          b.id, b.last_seq, b.last_message_at, b.deadline_at, b.version, b.timed_at,
          v_known -> b.id::text
        from private.conversations as b
        where b.user_b = v_me
        offset 0
      ) as k
      offset 0  -- each part once
    ) as c
    where c.last_seq > c.known_seq
      or case
        when c.known_version is null then false
        when c.deadline_at <= now() then c.known_version <> (
          select v.version
          from private.conversations as due
          cross join lateral private.conversation_versions(private.as_of_now(due)) as v
          where due.id = c.id and v.user_id = v_me
        )
        -- As private.conversation_versions; a test compares them.
        else c.known_version <> c.version + c.last_seq
          + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint
          + (
            select sum(case p.user_id when v_me then p.version else p.shared_version end)
            from private.participants as p
            where p.conversation_id = c.id
          )
          + coalesce(
            (
              select extract(epoch from max(m.expires_at)) * 1000000
              from public.messages as m
              where m.conversation_id = c.id and m.expires_at <= now()
            ),
            0
          )::bigint
      end
  ),
  found_messages as materialized (
    select f.*
    from (
      select
        c.id, m.seq, m.message,
        row_number() over (order by c.last_message_at desc, c.id, m.seq) as place
      from (
        select k.* from changed as k
        where k.last_seq > k.known_seq
        -- So that a page reads no conversation behind its own.
        order by k.last_message_at desc, k.id
      ) as c
      cross join lateral (
        select mark.* from private.my_marks as mark where mark.conversation_id = c.id
        offset 0  -- once a conversation
      ) as mark
      cross join lateral (
        select one.seq, row_to_json(one) as message
        from (
          select
            m.id, m.conversation_id, m.seq, m.sender_id, m.receiver_id, m.message, m.media_url,
            m.attachments, m.message_type, m.visible_to, m.action_required, m.action_data,
            m.action_completed or m.action_required and mark.is_over as action_completed,
            m.is_automated, m.reply_to, m.client_message_id, m.expires_at,
            m.seq <= reader.read_seq as seen, m.seq <= reader.read_seq as is_read,
            case when m.seq <= reader.read_seq then reader.read_at end as read_at,
            case
              when m.seq <= reader.read_seq then 'read'
              when m.seq <= reader.delivered_seq then 'delivered'
              else 'sent'
            end as status,
            m.created_at
          from public.messages as m
          cross join lateral (
            select
              case
                when m.sender_id = v_me then mark.other_read_seq
                else mark.read_seq
              end as read_seq,
              case when m.sender_id = v_me then mark.other_read_at else mark.read_at end as read_at,
              case
                when m.sender_id = v_me then mark.other_delivered_seq
                else mark.delivered_seq
              end as delivered_seq
          ) as reader
          where m.conversation_id = c.id
            and m.seq > c.known_seq
            and (m.visible_to = 'all' or v_me in (m.sender_id, m.receiver_id))
            and (m.expires_at is null or m.expires_at > now())
          order by m.seq
          limit v_limit + 1
        ) as one
      ) as m
    ) as f
    where f.place <= v_limit + 1
  ),
  whole as (
    select count(*) <= v_limit as is_last from found_messages
  ),
  reached as (
    select c.id, c.last_seq as seq from changed as c where (select w.is_last from whole as w)
    union all
    select f.id, max(f.seq)
    from found_messages as f
    where f.place <= v_limit and not (select w.is_last from whole as w)
    group by f.id
  )
  select
    coalesce(json_agg(f.message order by f.place), '[]'),
    array(select r.id from reached as r order by r.id),
    array(select r.seq from reached as r order by r.id),
    (select not w.is_last from whole as w)
  into v_messages, v_reached, v_delivered_seqs, v_has_more
  from found_messages as f
  where f.place <= v_limit;

  perform private.advance_receipts(
    v_me, v_reached, array_fill(0::bigint, array[cardinality(v_reached)]), v_delivered_seqs
  );
  select coalesce(json_agg(row_to_json(c) order by c.updated_at desc, c.conversation_id), '[]')
  into v_conversations
  from unnest(v_reached) as reached (id)
  cross join lateral (
    select c.* from private.my_conversations as c where c.conversation_id = reached.id
    offset 0  -- one at a time: the planner would fetch all of the caller's
  ) as c;
  return json_build_object(
    'conversations', v_conversations,
    'messages', v_messages,
    'has_more', v_has_more,
    'server_now', now()
  );
end;
$$;

-- The argument `known` as text, with ids in small letters; clients may write capitals. Postgres
-- writes every jsonb in one form, so one pattern checks the text.
--
-- Errors: INPUT_INVALID (422) `{field: "known", rule: "object", "size", "depth", "entries" or
-- "ids_and_seqs"}`.
create or replace function private.read_known_seqs(p_known jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  c_id constant text := '"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"';
  c_seq constant text := '[0-9]{1,18}(\.0+)?';
  c_shape constant text := format(
    '^\{(%1$s: (%2$s|\{"seq": %2$s(, "version": %2$s)?\})(, )?)*\}$', c_id, c_seq
  );
  v_text text;
  v_known jsonb;
  v_count bigint;
begin
  -- An entry takes at least 50 bytes, so there are at most 2,000. A number below 1 or above every
  -- seq may have very many digits: check_json checks them before they become text.
  if pg_column_size(p_known) >= 100000
    or p_known @@ '$.** > 999999999999999999 || $.** < 1' then
    perform private.check_json(p_known, 'known', 524288);
  end if;
  v_text := p_known::text;
  if v_text ~ c_shape and (
    pg_column_size(p_known) < 100000
    or 2000 >= (select count(*) from jsonb_object_keys(p_known))
  ) then
    return p_known;
  end if;
  perform private.check_json(p_known, 'known', 524288);
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  v_count := (select count(*) from jsonb_object_keys(p_known));
  if v_count > 2000 then
    perform private.raise_input_invalid('known', 'entries', 'Pass at most 2,000 conversations.');
  end if;
  v_known := lower(v_text)::jsonb;
  -- An id can occur twice only when one of the two has capitals.
  if v_text !~ replace(c_shape, 'a-f', 'a-fA-F')
    or v_count > (select count(*) from jsonb_object_keys(v_known)) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs',
      'Each key is a conversation id, each value its last seq or {seq, version}.'
    );
  end if;
  return v_known;
end;
$$;

-- RPC: everything that the caller has missed since `known`; returns
-- `{conversations, messages, has_more, server_now}`.
create or replace function public.sync(
  known jsonb default '{}',
  page_size integer default 500
)
returns json
language sql
as $$
  select private.sync(known, page_size);
$$;

grant execute on function private.sync(jsonb, integer), public.sync(jsonb, integer)
to authenticated;
