-- Refuses every change of an event except one: its details become null.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.only_scrub_events()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  old.details := null;
  if new is distinct from old then
    raise exception 'a history is append-only: its details can be scrubbed, nothing else changes'
      using errcode = 'restrict_violation';
  end if;
  return new;
end;
$$;

create or replace trigger only_scrub_events
before update on public.conversation_events
for each row execute function private.only_scrub_events();
