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
    perform private.require_login(v_user_id);
  end if;
  return v_user_id;
end;
$$;

-- Refuses a user without an account, unless the login is there and may have one.
create or replace function private.require_login(p_user_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_is_anonymous constant boolean := (
    select u.is_anonymous from auth.users as u where u.id = p_user_id
  );
begin
  if v_is_anonymous is null then
    perform private.raise_error(
      'AUTH_REQUIRED', 'This login is gone.', p_status => 401,
      p_hint => 'Sign up, or sign in to another login.'
    );
  end if;
  if v_is_anonymous then
    perform private.raise_error(
      'FORBIDDEN', 'Sign up first: this is not for anonymous sessions.', p_status => 403
    );
  end if;
end;
$$;
