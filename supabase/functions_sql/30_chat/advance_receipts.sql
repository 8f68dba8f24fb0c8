-- Moves a member's watermarks forward, never back, and tells both members what moved.
--
-- Args: the member; conversations, and for each how far everything was read and how far it was
-- delivered (0: unchanged). Marks are cut at the newest message; what was read was delivered.
-- Locks: the member's rows of participants, in the order of their ids. Writes: participants,
-- realtime.messages.
-- Events: message_seen, message_delivered `{conversation_id, message_id, seq, user_id, read_at or
-- delivered_at}`; message_id is the newest message that the mark covers and that both members
-- may see, null when there is none.
create or replace function private.advance_receipts(
  p_user_id uuid,
  p_conversation_ids uuid[],
  p_read_seqs bigint[],
  p_delivered_seqs bigint[]
)
returns void
language sql
security invoker
set search_path = ''
as $$
  select 1 from private.participants as p
  where p.user_id = p_user_id and p.conversation_id = any(p_conversation_ids)
  order by p.conversation_id
  for no key update;

  with marks as (
    select
      p.conversation_id,
      p.read_seq as old_read_seq,
      p.delivered_seq as old_delivered_seq,
      greatest(p.read_seq, least(mark.read_seq, c.last_seq)) as read_seq,
      greatest(
        p.delivered_seq, least(greatest(mark.read_seq, mark.delivered_seq), c.last_seq)
      ) as delivered_seq,
      private.shares_read_receipts(c.user_a, c.user_b) as is_shared
    from unnest(p_conversation_ids, p_read_seqs, p_delivered_seqs)
      as mark (conversation_id, read_seq, delivered_seq)
    join private.participants as p
      on p.conversation_id = mark.conversation_id and p.user_id = p_user_id
    join public.conversations as c on c.id = mark.conversation_id
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
      -- What the other side may not see does not show in its version either.
      shared_version = p.shared_version
        + (mark.is_shared or mark.delivered_seq > mark.old_delivered_seq)::integer
    from marks as mark
    where p.conversation_id = mark.conversation_id
      and p.user_id = p_user_id
      and (mark.read_seq, mark.delivered_seq) <> (mark.old_read_seq, mark.old_delivered_seq)
    returning mark.*
  ),
  -- Materialized: made once for both members.
  steps as materialized (
    select
      step.event,
      moved.conversation_id,
      step.is_shared,
      jsonb_build_object(
        'conversation_id', moved.conversation_id,
        'message_id', private.find_shared_message(moved.conversation_id, step.seq),
        'seq', step.seq,
        'user_id', p_user_id,
        step.time_name, now()
      ) as payload
    from moved
    cross join lateral (
      values
        ('message_delivered', 'delivered_at', moved.old_delivered_seq, moved.delivered_seq, true),
        ('message_seen', 'read_at', moved.old_read_seq, moved.read_seq, moved.is_shared)
    ) as step (event, time_name, old_seq, seq, is_shared)
    where step.seq > step.old_seq
  ),
  told as (
    select step.event, 'user:' || member.user_id as topic, step.payload
    from steps as step
    join private.participants as member on member.conversation_id = step.conversation_id
    where step.is_shared or member.user_id = p_user_id
  )
  select private.broadcast(
    array_agg(t.event order by t.event), array_agg(t.topic order by t.event),
    array_agg(t.payload order by t.event)
  )
  from told as t
  having count(*) > 0;
$$;

revoke all on function private.advance_receipts(uuid, uuid[], bigint[], bigint[])
from public, anon, authenticated, service_role;
