-- The places of messages that match all patterns, newest first.
--
-- Two ways, because messages that disappear are in no index: the trigram index for those that
-- stay, the sender's and receiver's live ones for the rest. Only user_input is searched.
create or replace function private.find_messages(
  p_user_id uuid,
  p_patterns text[],
  p_conversation_id uuid,
  p_before_at timestamptz,
  p_before_id uuid,
  p_limit integer
)
returns table (conversation_id uuid, seq bigint)
language sql
stable
security invoker
set search_path = ''
as $$
  select hit.conversation_id, hit.seq
  from (
    select m.conversation_id, m.seq, m.created_at, m.id
    from private.visible_messages as m
    where m.conversation_id = any(
        case
          when p_conversation_id is null then private.list_my_conversation_ids()
          else array[p_conversation_id]
        end
      )
      and m.message_type = 'user_input'
      and m.expires_at is null
      and m.message ilike all (p_patterns)
    union all
    select m.conversation_id, m.seq, m.created_at, m.id
    from private.visible_messages as m
    where p_user_id in (m.sender_id, m.receiver_id)
      and m.expires_at > now()
      and m.scrubbed_at is null
      and (p_conversation_id is null or m.conversation_id = p_conversation_id)
      and m.message ilike all (p_patterns)
  ) as hit
  where p_before_id is null or (hit.created_at, hit.id) < (p_before_at, p_before_id)
  order by hit.created_at desc, hit.id desc
  limit p_limit;
$$;

revoke all on function private.find_messages(uuid, text[], uuid, timestamptz, uuid, integer)
from public, anon, authenticated, service_role;
