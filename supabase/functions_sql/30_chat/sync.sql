-- Everything the caller has missed: the truth behind the broadcasts.
--
-- Args: what the client has, `{"<conversation id>": <last seq>}` or `{"<conversation id>": {"seq":
-- <last seq>, "version": <version of the context>}}`; how many messages at most (1..1000).
-- Conversations that are not named come whole. Only who gives a version hears of changes without
-- a message: a receipt, a preference, a block.
-- Returns `{conversations, messages, has_more, server_now}`: the messages after the known ones,
-- the most recently active conversation first, oldest first within one; the contexts of their
-- conversations and, with the last page, of those that changed without a message for the caller.
-- While has_more is true, call again with what was received added to `known`.
-- What is returned counts as delivered.
-- Definer: reads the private views, writes the caller's watermarks.
-- Locks: the caller's account, then the caller's rows of private.participants, in the order of
-- their ids. Writes: accounts, participants, realtime.messages.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) when `known` is no such object.
create or replace function private.sync(p_known jsonb, p_page_size integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 500, 1000);
  v_messages json;
  v_conversation_ids uuid[];
  v_delivered_seqs bigint[];
  v_has_more boolean;
begin
  perform private.check_known(p_known);
  perform private.note_visit(v_me);

  with known as (
    select
      k.id::uuid as id,
      (case jsonb_typeof(k.value) when 'object' then k.value -> 'seq' else k.value end)::bigint
        as seq,
      (k.value ->> 'version')::bigint as version
    from jsonb_each(p_known) as k (id, value)
  ),
  changed as (
    select c.id, c.last_seq, c.last_message_at, coalesce(known.seq, 0) as known_seq
    from private.participants as p
    join public.conversations as c on c.id = p.conversation_id
    left join known on known.id = c.id
    where p.user_id = v_me
      and (
        c.last_seq > coalesce(known.seq, 0)
        or case when known.version is not null then known.version <> (
          select v.version from private.conversation_versions(c) as v where v.user_id = v_me
        ) end
      )
  ),
  found_messages as (
    select m as message, c.last_message_at, m.conversation_id, m.seq
    from changed as c
    cross join lateral (
      select m.*
      from private.my_messages as m
      where m.conversation_id = c.id and m.seq > c.known_seq
      order by m.seq
      limit v_limit + 1
    ) as m
    order by c.last_message_at desc, c.id, m.seq
    limit v_limit + 1
  ),
  page as (
    select f.*
    from found_messages as f
    order by f.last_message_at desc, f.conversation_id, f.seq
    limit v_limit
  ),
  whole as (
    select count(*) <= v_limit as is_last from found_messages
  ),
  reached as (
    select
      c.id,
      case when whole.is_last then c.last_seq else max(p.seq) end as seq
    from changed as c
    cross join whole
    left join page as p on p.conversation_id = c.id
    group by c.id, c.last_seq, whole.is_last
    having whole.is_last or count(p.seq) > 0
  )
  select
    (
      select json_agg(
        row_to_json(p.message) order by p.last_message_at desc, p.conversation_id, p.seq
      )
      from page as p
    ),
    array(select r.id from reached as r order by r.id),
    array(select r.seq from reached as r order by r.id),
    (select not w.is_last from whole as w)
  into v_messages, v_conversation_ids, v_delivered_seqs, v_has_more;

  perform private.advance_receipts(
    v_me, v_conversation_ids, array_fill(0::bigint, array[cardinality(v_conversation_ids)]),
    v_delivered_seqs
  );
  return json_build_object(
    'conversations', coalesce(
      (
        select json_agg(row_to_json(c) order by c.updated_at desc, c.conversation_id)
        from unnest(v_conversation_ids) as reached (id)
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

-- RPC: what the caller has missed since `known`; returns
-- `{conversations, messages, has_more, server_now}`.
create or replace function public.sync(
  known jsonb default '{}',
  page_size integer default 500
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.sync(known, page_size);
$$;

revoke all on function private.sync(jsonb, integer) from public, anon, authenticated, service_role;
grant execute on function private.sync(jsonb, integer) to authenticated;
revoke all on function public.sync(jsonb, integer) from public, anon, authenticated, service_role;
grant execute on function public.sync(jsonb, integer) to authenticated;
