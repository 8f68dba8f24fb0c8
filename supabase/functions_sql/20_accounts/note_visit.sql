-- Records a user's last visit to the minute, so that most calls write nothing.
--
-- Locks, writes: the user's row of accounts.
create or replace function private.note_visit(p_user_id uuid)
returns void
language sql
set search_path = ''
as $$
  update private.accounts as a
  set last_seen_at = now()
  where a.user_id = p_user_id
    and (a.last_seen_at is null or a.last_seen_at < now() - interval '1 minute');
$$;
