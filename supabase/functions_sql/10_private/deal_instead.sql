-- The open deal of a direct chat's two members in which they must write, by the setting
-- direct_blocked_during_deal; null where they may write in the direct chat. A deal is open until
-- its free chat begins or it is closed.
create or replace function private.deal_instead(p_conversation private.conversations)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_conversation.kind <> 'direct'
    or private.get_setting('direct_blocked_during_deal') is distinct from 'true' then
    return null;
  end if;
  return (
    select c.id
    from private.conversations as c
    where c.user_a = p_conversation.user_a
      and c.user_b = p_conversation.user_b
      and c.chat_status = 'automated'
      and (private.as_of_now(c)).chat_status = 'automated'
    limit 1
  );
end;
$$;
