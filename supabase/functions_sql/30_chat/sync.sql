-- Everything the caller has missed: the truth behind the broadcasts.
--
-- Args: what the client has, `{"<conversation id>": <last seq>}` or `{"<conversation id>": {"seq":
-- <last seq>, "version": <version of the context>}}`, at most 2,000 of them; how many messages at
-- most (1..1000). Conversations that are not named come whole. Only who gives a version hears of
-- changes without a message: a receipt, a preference, a block, a time limit that has passed.
-- Returns `{conversations, messages, has_more, server_now}`: the messages after the known ones,
-- the most recently active conversation first, oldest first within one; the contexts of their
-- conversations and, with the last page, of those that changed without a message for the caller.
-- While has_more is true, call again with what was received added to `known`.
-- What is returned counts as delivered.
-- Definer: reads the private views, writes the caller's marks.
-- Locks: the caller's account, then the caller's rows of private.participants, in the order of
-- their ids. Writes: accounts, and what advance_receipts writes.
-- Errors: AUTH_REQUIRED (401), and those of read_known.
create or replace function private.sync(p_known jsonb, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := least(greatest(coalesce(p_page_size, 500), 1), 1000);
  v_ids uuid[];
  v_seqs bigint[];
  v_versions bigint[];
  v_messages json;
  v_reached uuid[];
  v_delivered_seqs bigint[];
  v_has_more boolean;
begin
  select k.ids, k.seqs, k.versions into v_ids, v_seqs, v_versions
  from private.read_known(p_known) as k;
  perform private.note_visit(v_me);

  with changed as materialized (
    select c.id, c.last_seq, c.last_message_at, coalesce(known.seq, 0) as known_seq
    from (
      select a.id, a.last_seq, a.last_message_at, a.deadline_at, a.version, a.timed_at
      from private.conversations as a
      where a.user_a = v_me
      union all
      select b.id, b.last_seq, b.last_message_at, b.deadline_at, b.version, b.timed_at
      from private.conversations as b
      where b.user_b = v_me
    ) as c
    left join unnest(v_ids, v_seqs, v_versions) as known (id, seq, version) on known.id = c.id
    where c.last_seq > coalesce(known.seq, 0)
      or case
        when known.version is null then false
        when c.deadline_at <= now() then known.version <> (
          select v.version
          from private.conversations as due
          cross join lateral private.conversation_versions(private.as_of_now(due)) as v
          where due.id = c.id and v.user_id = v_me
        )
        -- As private.conversation_versions; a test compares them.
        else known.version <> c.version + c.last_seq
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
    select f.id, f.seq, f.place, row_to_json(f.message) as message
    from (
      select
        c.id, m.seq, row_number() over (order by c.last_message_at desc, c.id, m.seq) as place,
        m as message
      from changed as c
      cross join lateral (
        select mark.* from private.my_marks as mark where mark.conversation_id = c.id
        offset 0  -- once a conversation
      ) as mark
      cross join lateral (
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
      ) as m
      where c.last_seq > c.known_seq
    ) as f
    where f.place <= v_limit + 1
  ),
  whole as (
    select count(*) <= v_limit as is_last from found_messages
  ),
  reached as (
    select
      c.id,
      case when whole.is_last then c.last_seq else max(f.seq) end as seq
    from changed as c
    cross join whole
    left join found_messages as f on f.id = c.id and f.place <= v_limit
    group by c.id, c.last_seq, whole.is_last
    having whole.is_last or count(f.seq) > 0
  )
  select
    (select json_agg(f.message order by f.place) from found_messages as f where f.place <= v_limit),
    array(select r.id from reached as r order by r.id),
    array(select r.seq from reached as r order by r.id),
    (select not w.is_last from whole as w)
  into v_messages, v_reached, v_delivered_seqs, v_has_more;

  perform private.advance_receipts(
    v_me, v_reached, array_fill(0::bigint, array[cardinality(v_reached)]), v_delivered_seqs
  );
  return json_build_object(
    'conversations', coalesce(
      (
        select json_agg(row_to_json(c) order by c.updated_at desc, c.conversation_id)
        from unnest(v_reached) as reached (id)
        cross join lateral (
          select c.* from private.my_conversations as c where c.conversation_id = reached.id
          offset 0  -- one at a time: the planner would fetch all of the caller's
        ) as c
      ),
      '[]'
    ),
    'messages', coalesce(v_messages, '[]'),
    'has_more', v_has_more,
    'server_now', now()
  );
end;
$$;

-- What a client knows, in arrays. Ids may be written in any case.
--
-- Errors: INPUT_INVALID (422) `{field: "known", rule: "object", "size", "depth", "entries" or
-- "ids_and_seqs"}`.
create or replace function private.read_known(
  p_known jsonb,
  out ids uuid[],
  out seqs bigint[],
  out versions bigint[]
)
returns record
language plpgsql
stable
set search_path = ''
as $$
declare
  c_end constant numeric := 999999999999999999;
  v_is_clean boolean;
  v_is_lower boolean;
begin
  perform private.check_json(p_known, 'known', 524288);
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  begin
    select
      array_agg(k.id), array_agg(k.seq::bigint), array_agg(k.version::bigint),
      coalesce(
        bool_and(
          k.is_whole and coalesce(k.seq between 0 and c_end and k.seq = trunc(k.seq), false)
          and case
            when k.has_version
              then coalesce(k.version between 0 and c_end and k.version = trunc(k.version), false)
            else true
          end
        ),
        true
      ),
      bool_and(k.is_lower)
    into ids, seqs, versions, v_is_clean, v_is_lower
    from (
      select
        e.id::uuid as id,
        coalesce(e.seq, e.value)::numeric as seq,
        e.version::numeric as version,
        e.version is not null as has_version,
        octet_length(e.id) = 36
          and (e.seq is null or e.value - array['seq', 'version'] = '{}') as is_whole,
        e.id = lower(e.id collate "C") as is_lower
      from (
        -- A number has no keys, and what is neither it nor an object is refused as a number.
        select
          n.key as id, n.value, n.value -> 'seq' as seq, n.value -> 'version' as version
        from jsonb_each(p_known) as n
        offset 0  -- each part once
      ) as e
      offset 0
    ) as k;
  exception
    when invalid_text_representation or invalid_parameter_value or numeric_value_out_of_range then
      v_is_clean := false;
  end;
  if 2000 < coalesce(cardinality(ids), (select count(*) from jsonb_object_keys(p_known))) then
    perform private.raise_input_invalid('known', 'entries', 'Pass at most 2,000 conversations.');
  end if;
  -- An id can be there twice only where one of the two is written in capitals.
  if not v_is_clean
    or not v_is_lower
    and cardinality(ids) > (select count(distinct u.id) from unnest(ids) as u (id)) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs',
      'Each key is a conversation id, each value its last seq or {seq, version}.'
    );
  end if;
end;
$$;

-- RPC: what the caller has missed since `known`; returns
-- `{conversations, messages, has_more, server_now}`.
create or replace function public.sync(
  known jsonb default '{}',
  page_size integer default 500
)
returns json
language sql
set search_path = ''
as $$
  select private.sync(known, page_size);
$$;

grant execute on function private.sync(jsonb, integer), public.sync(jsonb, integer)
to authenticated;
