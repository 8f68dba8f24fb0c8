-- Refuses to delete an event of a conversation's history, for every role.
--
-- only_scrub_events refuses changes, because it must compare each row.
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_conversation_events()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'a history is append-only: its details can be scrubbed, its events stay'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_conversation_events
before delete or truncate on public.conversation_events
for each statement execute function private.keep_conversation_events();
