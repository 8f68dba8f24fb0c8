-- Every conversation of the caller, as the caller sees it now, in the shape that clients get
-- ("context").
--
-- A deal is shown as it is now, whether or not the steps that are due have been written; the action
-- that is open is shown to the side that is awaited.
-- version is that of private.conversation_versions. Across a block neither what the other side has
-- read nor when it was here is shown. Runs with its owner's rights; nobody else has a grant on it.
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
    -- Asked for by a step that is due and not written yet.
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
    when pair.is_blocked or not mine.shares_read_receipts or not a.shares_read_receipts then 0
    else other.read_seq
  end as other_read_seq,
  other.delivered_seq as other_delivered_seq,
  case
    when c.last_seq = me.read_seq then 0
    else (
      select count(*)
      from private.visible_messages as m
      where m.conversation_id = me.conversation_id
        and m.seq > me.read_seq
        and m.sender_id <> me.user_id
    )
  end as unread_count,
  (
    select json_build_object(
      'id', m.id, 'seq', m.seq, 'sender_id', m.sender_id, 'message_type', m.message_type,
      'message', left(m.message, 200), 'media_url', m.media_url, 'expires_at', m.expires_at,
      'created_at', m.created_at
    )
    from private.visible_messages as m
    where m.conversation_id = me.conversation_id
    order by m.seq desc
    limit 1
  ) as last_message,
  json_build_object(
    'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', u.role,
    'last_seen_at', case when a.shares_last_seen and not pair.is_blocked then a.last_seen_at end
  ) as other_party,
  coalesce(me.archived_seq = c.last_seq, false) as archived,
  me.pinned_at is not null as pinned,
  me.muted_until,
  (c.chat_status = 'real_time' or private.takes_free_text(c)) and not pair.is_blocked
    as free_text_allowed,
  c.created_at,
  c.updated_at,
  now() as server_now,
  coalesce(other.typing_until > now(), false) as other_typing,
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
  on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
join public.conversations as stored on stored.id = me.conversation_id
cross join lateral private.as_of_now(stored) as c
join public.users as u on u.id = other.user_id
left join private.accounts as a on a.user_id = other.user_id
left join private.accounts as mine on mine.user_id = me.user_id
cross join lateral (
  -- As private.is_blocked, and other_read_seq as private.shares_read_receipts: written out because
  -- a list asks for them row by row. tests/safety/test_read_marks_agree.py compares them.
  select exists (
    select from public.blocks as b
    where (b.blocker_id, b.blocked_id) in (
      (me.user_id, other.user_id), (other.user_id, me.user_id)
    )
  ) as is_blocked
  offset 0  -- once a row, not once a mention
) as pair
where me.user_id = (select auth.uid());

revoke all on private.my_conversations from public, anon, authenticated, service_role;
