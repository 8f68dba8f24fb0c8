-- The caller's messages and conversations, in the shapes that clients get.
--
-- The views run with their owner's rights; no role has a grant on them.

-- The messages that are for the caller and have not expired; readers of the view check the
-- membership. RPCs use the rule from here; get_messages and sync repeat it for speed, and the
-- policy of public.messages for direct reads. A test compares them.
create or replace view private.visible_messages as
select m.*
from public.messages as m
where (m.visible_to = 'all' or (select auth.uid()) in (m.sender_id, m.receiver_id))
  and (m.expires_at is null or m.expires_at > now());

-- How far each member of the caller's conversations has received and read, as the caller may see
-- it: nothing of the other side across a block, and read marks only where both members share
-- theirs. A caller whose login is gone sees none.
create or replace view private.my_marks as
select
  me.conversation_id,
  me.user_id,
  other.user_id as other_id,
  me.read_seq,
  me.read_at,
  me.delivered_seq,
  case
    when me.blocks_other or other.blocks_other then 0
    when not (me.shares_read_receipts and other.shares_read_receipts) then 0
    else other.read_seq
  end as other_read_seq,
  other.read_at as other_read_at,
  case
    when me.blocks_other or other.blocks_other then 0
    else other.delivered_seq
  end as other_delivered_seq,
  -- After the deadline the open action is over, also before the step is written.
  coalesce(c.deadline_at <= now(), false) as is_over
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> (select auth.uid())
join private.conversations as c on c.id = me.conversation_id
where me.user_id = (select auth.uid()) and me.shares_read_receipts is not null;

-- Every message that the caller may read now, in the shape that clients get.
--
-- seen, read_at and status come from the marks of the member who reads the message: the other one
-- for what the caller sent, the caller for everything else. read_at is the time of that reader's
-- newest mark.
create or replace view private.my_messages as
select
  m.id,
  m.conversation_id,
  m.seq,
  m.sender_id,
  m.receiver_id,
  m.message,
  m.media_url,
  m.attachments,
  m.message_type,
  m.visible_to,
  m.action_required,
  m.action_data,
  m.action_completed or m.action_required and mark.is_over as action_completed,
  m.is_automated,
  m.reply_to,
  m.client_message_id,
  m.expires_at,
  m.seq <= reader.read_seq as seen,
  m.seq <= reader.read_seq as is_read,
  case when m.seq <= reader.read_seq then reader.read_at end as read_at,
  case
    when m.seq <= reader.read_seq then 'read'
    when m.seq <= reader.delivered_seq then 'delivered'
    else 'sent'
  end as status,
  m.created_at
from private.my_marks as mark
join private.visible_messages as m on m.conversation_id = mark.conversation_id
cross join lateral (
  select
    case
      when m.sender_id = mark.user_id then mark.other_read_seq
      else mark.read_seq
    end as read_seq,
    case when m.sender_id = mark.user_id then mark.other_read_at else mark.read_at end as read_at,
    case
      when m.sender_id = mark.user_id then mark.other_delivered_seq
      else mark.delivered_seq
    end as delivered_seq
) as reader;

-- Every conversation of the caller, as the caller sees it now, in the shape that clients get
-- ("context").
--
-- A deal counts due steps that are not written yet; only the awaited side sees the open action.
-- version is that of private.conversation_versions. Unread messages are counted up to 1,000, so
-- that the cost is bounded; messages that the caller's own step caused do not count. Across a block
-- the other side's receipts and last visit are hidden.
create or replace view private.my_conversations as
select
  me.conversation_id,
  c.kind,
  c.chat_status,
  c.flow_state,
  c.awaiting_role,
  coalesce(
    c.awaiting_role,
    case when c.kind <> 'direct' then (
      select s.waiting_on from private.flow_states as s
      where s.flow_id = c.flow_id and s.state = c.flow_state
    ) end,
    'none'
  ) as waiting_on,
  c.automation_enabled,
  me.role as my_role,
  case
    when c.awaiting_role is distinct from me.role then null
    when c.version = stored.version then (
      select m.action_data from public.messages as m
      where m.id = (c.current_action_data ->> 'action_id')::uuid
    )
    -- A due step that is not written yet opened the action.
    else private.action_data(
      c, me.role,
      (
        select s.title from private.flow_states as s
        where s.flow_id = c.flow_id and s.state = c.flow_state
      ),
      null, null, 'automated', null
    )
  end as current_action_data,
  c.flow_data,
  round(c.amount_minor / 100.0, 2) as price,
  c.amount_minor,
  c.currency,
  c.work_status,
  c.deadline_at,
  c.version + c.last_seq + me.version + other.shared_version + coalesce(
    (
      select extract(epoch from max(m.expires_at)) * 1000000
      from public.messages as m
      where m.conversation_id = me.conversation_id and m.expires_at <= now()
    ),
    0
  )::bigint + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint as version,
  c.last_seq,
  me.read_seq,
  case
    when me.blocks_other or other.blocks_other then 0
    when not (me.shares_read_receipts and other.shares_read_receipts) then 0
    else other.read_seq
  end as other_read_seq,
  case
    when me.blocks_other or other.blocks_other then 0
    else other.delivered_seq
  end as other_delivered_seq,
  case
    when c.last_seq = me.read_seq then 0
    else (
      select count(*)
      from (
        select from public.messages as m
        where m.conversation_id = me.conversation_id and m.seq > me.read_seq
          and m.sender_id <> me.user_id
          and m.caused_by is distinct from me.user_id
          and (m.visible_to = 'all' or m.receiver_id = me.user_id)
          and (m.expires_at is null or m.expires_at > now())
        order by m.seq desc
        limit 1000
      ) as unread
    )
  end as unread_count,
  (
    select row_to_json(newest)
    from (
      select
        m.id, m.seq, m.sender_id, m.message_type, left(m.message, 200) as message, m.media_url,
        m.expires_at, case
          when m.expires_at is null then jsonb_path_query_array(m.attachments, '$[*].name')
        end as attachment_names,
        m.created_at
      from private.visible_messages as m
      where m.conversation_id = me.conversation_id
      order by m.seq desc
      limit 1
    ) as newest
  ) as last_message,
  json_build_object(
    'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', u.role,
    'last_seen_at', case
      when a.shares_last_seen and not me.blocks_other and not other.blocks_other
        then a.last_seen_at
    end,
    'is_deleted', a.user_id is null
  ) as other_party,
  coalesce(me.archived_seq = c.last_seq, false) as archived,
  me.pinned_at is not null as pinned,
  me.muted_until,
  not me.blocks_other and not other.blocks_other and a.user_id is not null
    and (c.chat_status = 'real_time' or private.takes_free_text(c))
    -- Negative where direct_blocked_during_deal is set; read once per statement.
    and not (
      c.kind = 'direct'
      and exists (select from private.send_rules as r where r.stranger_messages < 0)
      and private.deal_instead(c) is not null
    ) as free_text_allowed,
  c.created_at,
  c.updated_at,
  now() as server_now,
  coalesce(
    other.typing_until > now() and not me.blocks_other and not other.blocks_other, false
  ) as other_typing,
  case when c.kind <> 'direct' then json_build_object(
    'captured_minor', c.captured_minor, 'held_minor', c.held_minor,
    'released_minor', c.released_minor, 'fee_minor', c.fee_minor,
    'refunded_minor', c.refunded_minor, 'charged_back_minor', c.charged_back_minor
  ) end as escrow,
  c.delivery_due_at,
  c.bid_id,
  c.campaign_id,
  c.request_id,
  c.work_submission,
  c.work_submitted,
  c.submission_date,
  c.close_reason
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> (select auth.uid())
join private.conversations as stored on stored.id = me.conversation_id
cross join lateral (
  select stored.* where stored.deadline_at is null or stored.deadline_at > now()
  union all
  select due.* from private.as_of_now(stored) as due where stored.deadline_at <= now()
) as c
join public.users as u on u.id = other.user_id
left join private.accounts as a on a.user_id = other.user_id
where me.user_id = (select auth.uid());

revoke all on
  private.visible_messages, private.my_marks, private.my_messages, private.my_conversations
from public, anon, authenticated, service_role;
