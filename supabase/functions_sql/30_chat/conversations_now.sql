-- The caller's conversations as they are now, a row each, with the keys of the context.
--
-- For clients that select from tables: a filter on conversation_id reads only that conversation.
-- A time limit that has passed counts here as it does in every function; private.conversations
-- leaves the conversation out until somebody has written the step.
-- Definer: reads private.my_conversations.
create or replace function private.show_conversation(p_conversation_id uuid)
returns setof private.my_conversations
language sql
stable
security definer
set search_path = ''
as $$
  select c.* from private.my_conversations as c where c.conversation_id = p_conversation_id;
$$;

create or replace view public.conversations_now
with (security_invoker = true) as
select *
from unnest(private.list_my_conversation_ids()) as mine (conversation_id)
join lateral private.show_conversation(mine.conversation_id) as now using (conversation_id);

grant execute on function private.show_conversation(uuid) to authenticated;
grant select on public.conversations_now to authenticated;
