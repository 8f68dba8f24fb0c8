-- Ends the call because the login was deleted, though its token still lives.
--
-- Errors: AUTH_REQUIRED (401).
create or replace function private.raise_login_gone()
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.raise_error(
    'AUTH_REQUIRED', 'This login is gone.', p_status => 401,
    p_hint => 'Sign up, or sign in to another login.'
  );
end;
$$;

revoke all on function private.raise_login_gone()
from public, anon, authenticated, service_role;
