-- The id of the newest message up to a seq that both members may see; null when there is none.
create or replace function private.find_shared_message(p_conversation_id uuid, p_seq bigint)
returns uuid
language sql
stable
security invoker
set search_path = ''
as $$
  select m.id
  from public.messages as m
  where m.conversation_id = p_conversation_id
    and m.seq <= p_seq
    and m.visible_to = 'all'
    and (m.expires_at is null or m.expires_at > now())
  order by m.seq desc
  limit 1;
$$;

revoke all on function private.find_shared_message(uuid, bigint)
from public, anon, authenticated, service_role;
