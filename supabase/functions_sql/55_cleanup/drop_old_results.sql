-- Forgets what a user's actions answered more than 30 days ago; nobody repeats one after that.
--
-- Writes: action_results.
create or replace function private.drop_old_results(p_user_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  delete from private.action_results as r
  where r.user_id = p_user_id and r.created_at < now() - interval '30 days';
end;
$$;

revoke all on function private.drop_old_results(uuid)
from public, anon, authenticated, service_role;
