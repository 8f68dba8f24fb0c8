-- Gives the caller a role and a name; a second call may change everything but the role.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: users, accounts, participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422), MEDIA_INVALID (422), PROFILE_LOCKED (409).
create or replace function private.complete_profile(
  p_role text,
  p_display_name text,
  p_avatar_url text,
  p_phone text
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_name constant text := private.read_text(p_display_name, 'display_name', 80);
  v_avatar_url constant text := nullif(p_avatar_url, '');
  v_phone constant text := nullif(regexp_replace(p_phone, '[ ().-]', '', 'g'), '');
  v_user public.users;
begin
  if p_role is null or p_role not in ('influencer', 'brand_owner') then
    perform private.raise_input_invalid(
      'role', 'one_of', 'The role is influencer or brand_owner.'
    );
  end if;
  if v_name is null or private.is_blank(v_name) or v_name ~ '[\n\u2028\u2029]' then
    perform private.raise_input_invalid(
      'display_name', 'length', 'A name is one line of 1 to 80 characters.'
    );
  end if;
  if exists (
    select from public.users as u
    where u.role = 'system' and lower(u.display_name) = lower(v_name)
  ) then
    perform private.raise_input_invalid(
      'display_name', 'reserved', 'This is the name of the system itself.'
    );
  end if;
  if v_phone !~ '^\+[1-9][0-9]{6,14}$' then
    perform private.raise_input_invalid(
      'phone', 'e164', 'Write the phone number with its country code, as in +919876543210.'
    );
  end if;
  if v_avatar_url is not null then
    perform private.check_media_url(v_avatar_url);
  end if;

  perform private.lock_account(v_me);
  update public.users as u
  set role = p_role, display_name = v_name, avatar_url = v_avatar_url, updated_at = now()
  where u.id = v_me and (u.role is null or u.role = p_role)
  returning u.* into v_user;
  if not found then
    perform private.raise_error(
      'PROFILE_LOCKED', 'The role of a profile cannot be changed.', p_status => 409,
      p_hint => 'Sign up with another address to act in the other role.'
    );
  end if;
  update private.accounts as a set phone = v_phone where a.user_id = v_me;
  perform private.touch_conversations(v_me);

  return json_build_object(
    'id', v_user.id, 'role', v_user.role, 'display_name', v_user.display_name,
    'avatar_url', v_user.avatar_url, 'phone', v_phone,
    'created_at', v_user.created_at, 'updated_at', v_user.updated_at
  );
end;
$$;

-- RPC: sets the caller's role (once), name, picture and phone; returns the profile.
create or replace function public.complete_profile(
  role text,
  display_name text,
  avatar_url text default null,
  phone text default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.complete_profile(role, display_name, avatar_url, phone);
$$;

revoke all on function private.complete_profile(text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.complete_profile(text, text, text, text) to authenticated;
revoke all on function public.complete_profile(text, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.complete_profile(text, text, text, text) to authenticated;
