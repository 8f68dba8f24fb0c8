-- The places of a user's messages that match all patterns, newest first, of user_input alone.
--
-- Reads the user's own messages and no index over everybody's: what such an index costs to read
-- would tell how often a word stands in messages that the caller may not see, and it would keep
-- the words of messages that have disappeared.
create or replace function private.find_messages(
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
  select m.conversation_id, m.seq
  from private.visible_messages as m
  where m.conversation_id = any (
      (
        select case
          when p_conversation_id is null then private.list_my_conversation_ids()
          else array[p_conversation_id]
        end
      )::uuid[]
    )
    and m.message_type = 'user_input'
    and (p_before_id is null or (m.created_at, m.id) < (p_before_at, p_before_id))
    and m.message ilike all (p_patterns)
  order by m.created_at desc, m.id desc
  limit p_limit;
$$;

revoke all on function private.find_messages(text[], uuid, timestamptz, uuid, integer)
from public, anon, authenticated, service_role;
