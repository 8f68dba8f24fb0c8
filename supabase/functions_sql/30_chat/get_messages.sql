-- A page of a conversation's messages that the caller may read now.
--
-- Definer: checks the membership and the marks once instead of a policy for each row.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), MESSAGE_NOT_FOUND (404) when
-- `before` is no message of this conversation, INPUT_INVALID (422) for two directions at once.
create or replace function private.get_messages(
  p_conversation_id uuid,
  p_page_size integer,
  p_before_seq bigint,
  p_after_seq bigint,
  p_before uuid
)
returns setof public.chat_message
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  v_me constant uuid := auth.uid();
  v_before_seq bigint;
  v_read_seq bigint;
  v_read_at timestamptz;
  v_delivered_seq bigint;
  v_other_read_seq bigint;
  v_other_read_at timestamptz;
  v_other_delivered_seq bigint;
  v_role text;
  v_is_over boolean;
begin
  -- As private.my_marks; a test compares them.
  select
    me.read_seq, me.read_at, me.delivered_seq,
    case
      when me.blocks_other or other.blocks_other then 0
      when not (me.shares_read_receipts and other.shares_read_receipts) then 0
      else other.read_seq
    end,
    other.read_at,
    case when me.blocks_other or other.blocks_other then 0 else other.delivered_seq end,
    me.role
  into
    v_read_seq, v_read_at, v_delivered_seq, v_other_read_seq, v_other_read_at,
    v_other_delivered_seq, v_role
  from private.participants as me
  join private.participants as other
    on other.conversation_id = p_conversation_id and other.user_id <> v_me
  where me.conversation_id = p_conversation_id and me.user_id = v_me
    and me.shares_read_receipts is not null;
  if not found then
    perform private.require_user();
    perform private.raise_conversation_not_found();
  end if;
  if v_role <> 'member' then
    select c.deadline_at <= now() into v_is_over
    from private.conversations as c
    where c.id = p_conversation_id;
  end if;
  if p_after_seq is not null or p_before is not null then
    if num_nonnulls(p_before_seq, p_after_seq, p_before) > 1 then
      perform private.raise_input_invalid(
        'before_seq', 'one_position', 'Give one of before_seq, after_seq and before.'
      );
    end if;
    if p_after_seq is not null then
      return query
      select m.* from private.my_messages as m
      where m.conversation_id = p_conversation_id and m.seq > p_after_seq
      order by m.seq
      limit private.clamp_page_size(p_page_size, 50, 100);
      return;
    end if;
    -- An expired message, or one that only the other side sees, is still a position.
    select m.seq into v_before_seq
    from public.messages as m
    where m.id = p_before and m.conversation_id = p_conversation_id;
    if not found then
      perform private.raise_error(
        'MESSAGE_NOT_FOUND', 'There is no such message in this conversation.', p_status => 404
      );
    end if;
  end if;

  -- The pages below scan the primary key. They repeat the rule of private.visible_messages and the
  -- shape of private.my_messages.
  if coalesce(v_before_seq, p_before_seq) <= least(v_read_seq, v_other_read_seq) + 1 then
    -- Both have read the whole page, like most older ones: no row is compared with a mark.
    return query
    select
      m.id, m.conversation_id, m.seq, m.sender_id, m.receiver_id, m.message, m.media_url,
      m.attachments, m.message_type, m.visible_to, m.action_required, m.action_data,
      m.action_completed or m.action_required and coalesce(v_is_over, false), m.is_automated,
      m.reply_to, m.client_message_id, m.expires_at, true, true,
      case when m.sender_id = v_me then v_other_read_at else v_read_at end, 'read', m.created_at
    from public.messages as m
    where m.conversation_id = p_conversation_id
      and m.seq < coalesce(v_before_seq, p_before_seq)
      and (m.visible_to = 'all' or v_me in (m.sender_id, m.receiver_id))
      and (m.expires_at is null or m.expires_at > now())
    order by m.seq desc
    limit least(greatest(coalesce(p_page_size, 50), 1), 100);
    return;
  end if;
  return query
  select
    m.id, m.conversation_id, m.seq, m.sender_id, m.receiver_id, m.message, m.media_url,
    m.attachments, m.message_type, m.visible_to, m.action_required, m.action_data,
    m.action_completed or m.action_required and coalesce(v_is_over, false), m.is_automated,
    m.reply_to, m.client_message_id, m.expires_at,
    m.seq <= case when m.sender_id = v_me then v_other_read_seq else v_read_seq end,
    m.seq <= case when m.sender_id = v_me then v_other_read_seq else v_read_seq end,
    case when m.sender_id = v_me
      then case when m.seq <= v_other_read_seq then v_other_read_at end
      else case when m.seq <= v_read_seq then v_read_at end
    end,
    case when m.sender_id = v_me
      then case
        when m.seq <= v_other_read_seq then 'read'
        when m.seq <= v_other_delivered_seq then 'delivered'
        else 'sent'
      end
      else case
        when m.seq <= v_read_seq then 'read'
        when m.seq <= v_delivered_seq then 'delivered'
        else 'sent'
      end
    end,
    m.created_at
  from public.messages as m
  where m.conversation_id = p_conversation_id
    and m.seq < coalesce(v_before_seq, p_before_seq, 9223372036854775807)
    and (m.visible_to = 'all' or v_me in (m.sender_id, m.receiver_id))
    and (m.expires_at is null or m.expires_at > now())
  order by m.seq desc
  limit least(greatest(coalesce(p_page_size, 50), 1), 100);
end;
$$;

-- RPC: a page of messages, newest first; oldest first with after_seq.
create or replace function public.get_messages(
  conversation_id uuid,
  page_size integer default 50,
  before_seq bigint default null,
  after_seq bigint default null,
  before uuid default null
)
returns setof public.chat_message
language sql
stable
as $$
  select * from private.get_messages(conversation_id, page_size, before_seq, after_seq, before);
$$;

grant execute on function
  private.get_messages(uuid, integer, bigint, bigint, uuid),
  public.get_messages(uuid, integer, bigint, bigint, uuid)
to authenticated;
