-- Whether a conversation belongs in its member's list under a filter of get_conversations.
--
-- Args: the conversation, the member's row, the filter. open: neither archived nor closed.
-- my_turn: the flow waits for this member. deals: bids and campaigns.
create or replace function private.is_listed(
  p_conversation public.conversations,
  p_me private.participants,
  p_filter text
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation constant public.conversations := private.as_of_now(p_conversation);
begin
  return case p_filter
    when 'all' then true
    when 'direct' then p_conversation.kind = 'direct'
    when 'deals' then p_conversation.kind <> 'direct'
    when 'my_turn' then coalesce(v_conversation.awaiting_role = p_me.role, false)
    when 'archived' then coalesce(p_me.archived_seq = p_conversation.last_seq, false)
    when 'unread' then p_conversation.last_seq > p_me.read_seq and exists (
      select from private.visible_messages as m
      where m.conversation_id = p_conversation.id
        and m.seq > p_me.read_seq
        and m.sender_id <> p_me.user_id
    )
    else v_conversation.chat_status <> 'closed'
      and p_me.archived_seq is distinct from p_conversation.last_seq
  end;
end;
$$;

revoke all on function private.is_listed(public.conversations, private.participants, text)
from public, anon, authenticated, service_role;
