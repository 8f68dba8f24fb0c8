-- How many messages wait for the caller, counted from the read marks; no counter is stored.
--
-- Archived conversations count too, muted ones do not. Counts up to 1,000 messages in a
-- conversation.
-- Definer: reads private.my_conversations.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_unread_count()
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return (
    select json_build_object(
      'unread_messages', coalesce(sum(waiting.unread), 0),
      'unread_conversations', count(*) filter (where waiting.unread > 0),
      'my_turn', count(*) filter (where waiting.is_my_turn)
    )
    from (
      select
        case when c.last_seq > p.read_seq and (p.muted_until is null or p.muted_until <= now())
          then (
            select count(*)
            from (
              select from public.messages as m
              where m.conversation_id = c.id and m.seq > p.read_seq
                and m.sender_id <> v_me
                and m.caused_by is distinct from v_me
                and (m.visible_to = 'all' or m.receiver_id = v_me)
                and (m.expires_at is null or m.expires_at > now())
              order by m.seq desc
              limit 1000
            ) as unread
          )
          else 0
        end as unread,
        coalesce(
          case
            when c.deadline_at <= now() then (private.as_of_now(c)).awaiting_role
            else c.awaiting_role
          end = p.role,
          false
        ) as is_my_turn
      from private.participants as p
      join private.conversations as c on c.id = p.conversation_id
      where p.user_id = v_me and (
        c.last_seq > p.read_seq or c.awaiting_role = p.role or c.deadline_at <= now()
      )
    ) as waiting
  );
end;
$$;

-- RPC: returns `{unread_messages, unread_conversations, my_turn}`.
create or replace function public.get_unread_count()
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_unread_count();
$$;

grant execute on function private.get_unread_count(), public.get_unread_count() to authenticated;
