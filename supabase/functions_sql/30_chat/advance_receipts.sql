-- Moves the caller's marks forward, never back, and tells the other members: one event per
-- conversation, message_seen where the read mark moved and the caller shares read receipts,
-- otherwise message_delivered; none where nothing moved, and none across a block.
--
-- Args: the caller; conversations, and for each the newest read and the newest delivered message
-- (0: unchanged). Marks stop at the newest message; a read message counts as delivered.
-- Locks: the caller's rows of participants, in the order of their ids. Writes: participants,
-- realtime.messages.
-- Events: message_seen, message_delivered `{conversation_id, message_id, seq, user_id, read_at or
-- delivered_at}`; message_id is the newest message that the mark covers and that both members may
-- see, null when there is none. The caller's own topic hears them where another session may listen.
create or replace function private.advance_receipts(
  p_user_id uuid,
  p_conversation_ids uuid[],
  p_read_seqs bigint[],
  p_delivered_seqs bigint[]
)
returns void
language plpgsql
set search_path = ''
-- Otherwise Postgres would plan in each call, because a plan for the given arrays looks cheaper.
set plan_cache_mode = force_generic_plan
as $$
declare
  v_events text[];
  v_topics text[];
  v_payloads jsonb[];
begin
  perform from private.participants as p
  where p.user_id = p_user_id and p.conversation_id = any (p_conversation_ids)
  order by p.conversation_id
  for no key update;

  with marks as (
    select
      p.conversation_id,
      other.user_id as other_id,
      p.read_seq as old_read_seq,
      p.delivered_seq as old_delivered_seq,
      greatest(p.read_seq, least(mark.read_seq, c.last_seq)) as read_seq,
      greatest(
        p.delivered_seq, least(greatest(mark.read_seq, mark.delivered_seq), c.last_seq)
      ) as delivered_seq,
      not p.blocks_other and not other.blocks_other as is_open,
      coalesce(p.shares_read_receipts and other.shares_read_receipts, true) as is_shared
    from unnest(p_conversation_ids, p_read_seqs, p_delivered_seqs)
      as mark (conversation_id, read_seq, delivered_seq)
    cross join lateral (
      select p.* from private.participants as p
      where p.conversation_id = mark.conversation_id and p.user_id = p_user_id
      offset 0  -- by its key: the planner would fetch all of the caller's
    ) as p
    join private.participants as other
      on other.conversation_id = mark.conversation_id and other.user_id <> p_user_id
    join private.conversations as c on c.id = mark.conversation_id
  ),
  moved as (
    update private.participants as p
    set
      read_seq = mark.read_seq,
      read_at = case when mark.read_seq > mark.old_read_seq then now() else p.read_at end,
      delivered_seq = mark.delivered_seq,
      delivered_at = case
        when mark.delivered_seq > mark.old_delivered_seq then now()
        else p.delivered_at
      end,
      version = p.version + 1,
      -- A receipt that the other side may not see does not change its version either.
      shared_version = p.shared_version + (
        mark.is_open and (mark.is_shared or mark.delivered_seq > mark.old_delivered_seq)
      )::integer
    from marks as mark
    where p.conversation_id = mark.conversation_id
      and p.user_id = p_user_id
      and (mark.read_seq > mark.old_read_seq or mark.delivered_seq > mark.old_delivered_seq)
    returning mark.*
  ),
  told as (
    select
      reader.id,
      case when reader.knows then 'message_seen' else 'message_delivered' end as event,
      jsonb_build_object(
        'conversation_id', moved.conversation_id,
        'message_id', (
          select m.id
          from public.messages as m
          where m.conversation_id = moved.conversation_id
            and m.seq <= mark.seq
            and m.visible_to = 'all'
            and (m.expires_at is null or m.expires_at > now())
          order by m.seq desc
          limit 1
        ),
        'seq', mark.seq,
        'user_id', p_user_id,
        case when reader.knows then 'read_at' else 'delivered_at' end, now()
      ) as payload
    from moved
    cross join lateral (
      select moved.other_id as id, moved.read_seq > moved.old_read_seq and moved.is_shared as knows
      where moved.is_open
      union all
      select p_user_id, moved.read_seq > moved.old_read_seq
      where exists (
        select from private.other_sessions as s where s.user_id = p_user_id
      )
    ) as reader
    cross join lateral (
      select case when reader.knows then moved.read_seq else moved.delivered_seq end as seq
    ) as mark
    where reader.knows or moved.delivered_seq > moved.old_delivered_seq
  )
  select array_agg(t.event), array_agg('user:' || t.id), array_agg(t.payload)
  into v_events, v_topics, v_payloads
  from told as t;
  if v_events is not null then
    perform private.broadcast(v_events, v_topics, v_payloads);
  end if;
end;
$$;
