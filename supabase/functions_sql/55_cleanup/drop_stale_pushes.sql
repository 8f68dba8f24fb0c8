-- Forgets a user's pushes that nobody has sent within a day, as where no sender is set up.
--
-- Locks, writes: push_outbox; rows that a sender holds are passed over.
create or replace function private.drop_stale_pushes(p_user_id uuid)
returns void
language sql
security invoker
set search_path = ''
as $$
  delete from private.push_outbox as o
  where o.id in (
    select stale.id
    from private.push_tokens as t
    join private.push_outbox as stale on stale.push_token_id = t.id
    where t.user_id = p_user_id and stale.created_at < now() - interval '1 day'
    for update of stale skip locked
  );
$$;

revoke all on function private.drop_stale_pushes(uuid)
from public, anon, authenticated, service_role;
