-- A trigger function for the cleanup at each sign-in without a call by the client.
-- docs/OPERATIONS.md has the trigger on auth.sessions and its price. A refreshed token is no new
-- session.
--
-- No failure here stops the sign-in, not even a statement timeout, which "others" alone does not
-- catch. It waits 200 ms at most for a lock, and does one cleanup at most.
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
