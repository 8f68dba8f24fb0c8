-- The caller's id, when the caller's profile has the role `influencer` or `brand_owner`.
--
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409) before complete_profile, FORBIDDEN (403)
-- for the other role.
create or replace function private.require_role(p_role text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_role constant text := (select u.role from public.users as u where u.id = v_me);
begin
  if v_role is null then
    perform private.raise_error(
      'PROFILE_INCOMPLETE', 'Your profile is not complete yet.', p_status => 409,
      p_hint => 'Call complete_profile first.'
    );
  end if;
  if v_role <> p_role then
    perform private.raise_error(
      'FORBIDDEN', format('Only a user with the role %s can do this.', p_role), p_status => 403
    );
  end if;
  return v_me;
end;
$$;
