-- Tells clients, by the version, that what a user's conversations show of that user has changed.
--
-- Locks, writes: the user's rows of private.participants, locked in the order of their ids as
-- everywhere.
create or replace function private.touch_conversations(p_user_id uuid)
returns void
language sql
set search_path = ''
as $$
  select 1 from private.participants as p
  where p.user_id = p_user_id
  order by p.conversation_id
  for no key update;

  update private.participants as p
  set version = p.version + 1, shared_version = p.shared_version + 1
  where p.user_id = p_user_id;
$$;
