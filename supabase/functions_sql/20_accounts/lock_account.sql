-- Locks the caller's account until the transaction ends: the first lock of every write that
-- sends, so that one user's sends follow each other and locks are always taken in one order.
-- Also notes that the user was just here.
--
-- Locks, writes: the account's row; made on demand for a login that has none.
-- Errors: AUTH_REQUIRED (401) when the login is gone although its token still lives.
create or replace function private.lock_account(p_user_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.accounts as a set last_seen_at = now() where a.user_id = p_user_id;
  if found then
    return;
  end if;
  if not exists (select from auth.users as u where u.id = p_user_id) then
    perform private.raise_error('AUTH_REQUIRED', 'This login is gone.', p_status => 401);
  end if;
  perform private.create_account(p_user_id);
  update private.accounts as a set last_seen_at = now() where a.user_id = p_user_id;
end;
$$;

revoke all on function private.lock_account(uuid) from public, anon, authenticated, service_role;
