-- A trigger function for projects that want the cleanup at each sign-in without a call of the
-- client: docs/OPERATIONS.md says how to set the trigger on auth.sessions, and what it costs. A
-- refreshed token is no new session.
--
-- The sign-in goes on whatever fails here, also after a statement timeout, which "others" alone
-- does not catch. It waits for no lock longer than 200 ms, and does no more than one cleanup.
-- Definer: Auth opens sessions as its own role, which may not write our tables.
-- Locks, writes: as private.clean_up.
create or replace function private.clean_up_at_sign_in()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
begin
  perform private.clean_up(new.user_id);
  return null;
exception
  when query_canceled or others then
    raise warning 'no cleanup at the sign-in of %: % %', new.user_id, sqlstate, sqlerrm;
    return null;
end;
$$;
