-- RPC: service only; files to delete in Storage now, as a list of paths.
create or replace function public.take_file_deletions(max_rows integer default 100)
returns json
language sql
set search_path = ''
as $$
  select private.take_file_deletions(max_rows);
$$;

-- A batch of files for the app to delete through the Storage API: files of emptied messages and of
-- deleted logins, and files that were not sent within a day.
--
-- A file leaves the list when Storage deletes its object (trigger forget_file). Until then it is
-- returned again, first after a minute, later after a day at most. Files of a conversation under a
-- legal hold stay.
-- Definer: the table is private.
-- Locks, writes: the rows of files that it returns; it skips rows that another session has locked.
create or replace function private.take_file_deletions(p_max_rows integer)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_unsent_for constant interval := interval '1 day';
  v_limit constant integer := private.clamp_page_size(p_max_rows, 100, 1000);
  v_paths json;
begin
  update private.files as f
  set dropped_at = now()
  where f.path in (
    select late.path
    from private.files as late
    where late.message_id is null and not late.is_work and late.dropped_at is null
      and late.created_at < now() - c_unsent_for
    order by late.created_at
    limit v_limit
    for update skip locked
  );
  with due as (
    select f.path, o.id is null as is_gone
    from private.files as f
    left join storage.objects as o on o.bucket_id = 'attachments' and o.name = f.path
    where f.dropped_at is not null and f.due_at <= now()
      and not exists (
        select from private.legal_holds as h where h.conversation_id = f.conversation_id
      )
    order by f.due_at
    limit v_limit
    for update of f skip locked
  ),
  gone as (
    delete from private.files as f using due where f.path = due.path and due.is_gone
  ),
  taken as (
    update private.files as f
    set
      tries = f.tries + 1,
      due_at = now() + least(interval '1 minute' * 2 ^ least(f.tries, 11), interval '1 day')
    from due
    where f.path = due.path and not due.is_gone
    returning f.path
  )
  select coalesce(json_agg(t.path order by t.path), '[]') into v_paths from taken as t;
  return v_paths;
end;
$$;

grant execute on function
  public.take_file_deletions(integer), private.take_file_deletions(integer)
to service_role;
