-- The caller's id, from the token that PostgREST has checked.
--
-- Errors: AUTH_REQUIRED (401) when the token names no user, or one whose login was deleted while
-- the token still lives; FORBIDDEN (403) for an anonymous login.
create or replace function private.require_user()
returns uuid
language plpgsql
stable
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
  if not exists (select from private.accounts as a where a.user_id = v_user_id) then
    perform private.raise_no_account(v_user_id);
  end if;
  return v_user_id;
end;
$$;

-- Ends the call of a user without an account: the login is anonymous, or gone.
--
-- Errors: FORBIDDEN (403), AUTH_REQUIRED (401).
create or replace function private.raise_no_account(p_user_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if exists (select from auth.users as u where u.id = p_user_id and u.is_anonymous) then
    perform private.raise_error(
      'FORBIDDEN', 'Sign up first: this is not for anonymous sessions.', p_status => 403
    );
  end if;
  perform private.raise_error(
    'AUTH_REQUIRED', 'This login is gone.', p_status => 401,
    p_hint => 'Sign up, or sign in to another login.'
  );
end;
$$;
