-- Copies into a user's conversations whether the user shows read marks (null once the account is
-- gone), and raises their versions, so that clients load the user's card anew.
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
  set
    version = p.version + 1,
    shared_version = p.shared_version + 1,
    shares_read_receipts = (
      select a.shares_read_receipts from private.accounts as a where a.user_id = p_user_id
    )
  where p.user_id = p_user_id;
$$;
