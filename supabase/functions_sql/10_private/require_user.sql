-- The caller's id, from the token that PostgREST has checked.
--
-- Errors: AUTH_REQUIRED (401) when the token names no user, or one whose login was deleted while
-- the token still lives.
create or replace function private.require_user()
returns uuid
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_user_id constant uuid := auth.uid();
begin
  if v_user_id is null then
    perform private.raise_error(
      'AUTH_REQUIRED', 'Sign in first.', p_status => 401,
      p_hint => 'Send the access token of a signed-in user.'
    );
  end if;
  if not exists (select from private.accounts as a where a.user_id = v_user_id)
    and not exists (select from auth.users as u where u.id = v_user_id) then
    perform private.raise_login_gone();
  end if;
  return v_user_id;
end;
$$;

revoke all on function private.require_user() from public, anon, authenticated, service_role;
