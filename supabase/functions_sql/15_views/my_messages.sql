-- Every message that the caller may read now, in the shape that clients get.
--
-- seen, read_at and status come from the watermarks of whoever reads the message: the other
-- member for what the caller sent, the caller for everything else. read_at is the time of that
-- reader's newest mark. Runs with its owner's rights; nobody else has a grant on it.
create or replace view private.my_messages as
select
  m.id,
  m.conversation_id,
  m.seq,
  m.sender_id,
  m.receiver_id,
  m.message,
  m.media_url,
  m.message_type,
  m.visible_to,
  m.action_required,
  m.action_data,
  m.action_completed,
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
from private.participants as me
join private.participants as other
  on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
join private.visible_messages as m on m.conversation_id = me.conversation_id
cross join private.shares_read_receipts(me.user_id, other.user_id) as shares (read_receipts)
cross join lateral (
  select
    case
      when m.sender_id <> me.user_id then me.read_seq
      when shares.read_receipts then other.read_seq
      else 0
    end as read_seq,
    case when m.sender_id = me.user_id then other.read_at else me.read_at end as read_at,
    case
      when m.sender_id = me.user_id then other.delivered_seq
      else me.delivered_seq
    end as delivered_seq
) as reader
where me.user_id = (select auth.uid());

revoke all on private.my_messages from public, anon, authenticated, service_role;
