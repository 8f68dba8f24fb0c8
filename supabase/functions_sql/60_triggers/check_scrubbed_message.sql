-- Refuses a message that is marked as emptied but has content, as a CHECK of that name would.
--
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_scrubbed_message()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not (new.message = '' and new.media_url is null and new.attachments is null) then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, 'scrubbed_is_empty');
  end if;
  return null;
end;
$$;

create or replace trigger check_scrubbed_message
after update of scrubbed_at, message, media_url, attachments on public.messages
for each row when (new.scrubbed_at is not null)
execute function private.check_scrubbed_message();
