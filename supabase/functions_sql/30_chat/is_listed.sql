-- Whether a conversation belongs in its member's list under a filter of get_conversations.
--
-- open: neither archived nor closed. my_turn: the flow waits for this member. deals: bids and
-- campaigns.
create or replace function private.is_listed(
  p_conversation public.conversations,
  p_user_id uuid,
  p_filter text
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_me private.participants;
begin
  if p_filter = 'all' then
    return true;
  end if;
  select p.* into v_me
  from private.participants as p
  where p.conversation_id = p_conversation.id and p.user_id = p_user_id;
  return case p_filter
    when 'direct' then p_conversation.kind = 'direct'
    when 'deals' then p_conversation.kind <> 'direct'
    when 'my_turn' then coalesce(p_conversation.awaiting_role = v_me.role, false)
    when 'archived' then coalesce(v_me.archived_seq = p_conversation.last_seq, false)
    when 'unread' then exists (
      select from private.visible_messages as m
      where m.conversation_id = p_conversation.id
        and m.seq > v_me.read_seq
        and m.sender_id <> p_user_id
    )
    else p_conversation.chat_status <> 'closed'
      and v_me.archived_seq is distinct from p_conversation.last_seq
  end;
end;
$$;

revoke all on function private.is_listed(public.conversations, uuid, text)
from public, anon, authenticated, service_role;
