-- Sets the caller's role and name, picture and phone. A later call changes the given ones and keeps
-- the rest; an empty picture or phone deletes it; the role stays.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: users, accounts, participants.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`, MEDIA_INVALID (422) `{rule}`,
-- PROFILE_LOCKED (409).
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
  v_name constant text := private.read_name(p_display_name);
  v_phone constant text := private.read_phone(p_phone);
  v_user public.users;
begin
  if p_role is not null then
    perform private.check_choice('role', p_role, array['influencer', 'brand_owner']);
  end if;
  if p_avatar_url <> '' then
    perform private.check_media_url(p_avatar_url);
  end if;

  perform private.lock_account(v_me);
  select u.* into v_user from public.users as u where u.id = v_me;
  if p_role <> v_user.role then
    perform private.raise_error(
      'PROFILE_LOCKED', 'The role of a profile cannot be changed.', p_status => 409,
      p_hint => 'Sign up with another address to act in the other role.'
    );
  end if;
  if coalesce(p_role, v_user.role) is null then
    perform private.raise_input_invalid('role', 'one_of', 'A first profile needs a role.');
  end if;
  if coalesce(v_name, v_user.display_name) is null then
    perform private.raise_input_invalid('display_name', 'length', 'A first profile needs a name.');
  end if;
  update public.users as u
  set
    role = coalesce(p_role, u.role),
    display_name = coalesce(v_name, u.display_name),
    avatar_url = nullif(coalesce(p_avatar_url, u.avatar_url), ''),
    updated_at = now()
  where u.id = v_me;
  update private.accounts as a
  set phone = nullif(v_phone, '')
  where a.user_id = v_me and v_phone is not null;
  perform private.touch_conversations(v_me);
  return private.get_profile();
end;
$$;

-- RPC: sets the caller's role (once), name, picture and phone, as far as they are given; returns
-- the profile, as get_profile does.
create or replace function public.complete_profile(
  role text default null,
  display_name text default null,
  avatar_url text default null,
  phone text default null
)
returns json
language sql
set search_path = ''
as $$
  select private.complete_profile(role, display_name, avatar_url, phone);
$$;

-- The caller's own profile, with its private fields.
--
-- Definer: accounts are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_profile()
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return (
    select json_build_object(
      'id', u.id, 'role', u.role, 'display_name', u.display_name, 'avatar_url', u.avatar_url,
      'phone', a.phone,
      'privacy', json_build_object(
        'last_seen', a.shares_last_seen, 'read_receipts', a.shares_read_receipts
      ),
      'created_at', u.created_at, 'updated_at', u.updated_at
    )
    from public.users as u
    join private.accounts as a on a.user_id = u.id
    where u.id = v_me
  );
end;
$$;

-- RPC: the caller's profile; returns `{id, role, display_name, avatar_url, phone, privacy:
-- {last_seen, read_receipts}, created_at, updated_at}`, null where nothing is set.
create or replace function public.get_profile()
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_profile();
$$;

-- A display name as it is stored: one line that shows something, and not the name of the system
-- itself, however it is spelt. Null stays null.
--
-- Errors: INPUT_INVALID (422) `{field: "display_name", rule}`: length, reserved, or a rule of
-- private.read_text.
create or replace function private.read_name(p_text text)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_name constant text := private.read_text(p_text, 'display_name', 80);
begin
  if private.is_blank(v_name) or v_name ~ '[\n\u2028\u2029]' then
    perform private.raise_input_invalid(
      'display_name', 'length', 'A name is one line of 1 to 80 characters.'
    );
  end if;
  if exists (
    select from public.users as u
    where u.role = 'system'
      and (
        lower(u.display_name) = lower(v_name)
        or private.fold_name(u.display_name) = nullif(private.fold_name(v_name), '')
      )
  ) then
    perform private.raise_input_invalid(
      'display_name', 'reserved', 'This is the name of the system itself.'
    );
  end if;
  return v_name;
end;
$$;

-- The look of a name: two names that fold to the same text look alike (Unicode TR 39, "confusable
-- detection"). Case, accents, spaces, punctuation, symbols and invisible characters do not count;
-- letters of other scripts count as the Latin ones that they look like.
create or replace function private.fold_name(p_name text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_name text;
begin
  -- Default_Ignorable_Code_Point, and the letters of it that NFKD would make visible.
  v_name := regexp_replace(
    p_name,
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e'
    '\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]',
    '', 'g'
  );
  v_name := regexp_replace(
    normalize(v_name, nfkd),
    '[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g'
  );
  -- Letters and digits of any script are left; bars stand for an l.
  v_name := regexp_replace(
    private.fold_look_alikes(lower(private.fold_look_alikes(v_name))),
    '[\u0001-/:-@\[-`{-\u00bf\u2000-\u206f\u2190-\u2bff\u3000-\u303f\ufe10-\ufe6f'
    '\U0001f000-\U0001faff]',
    '', 'g'
  );
  return replace(replace(v_name, 'rn', 'm'), 'vv', 'w');
end;
$$;

-- A phone number, as people write or paste it, in the form +919876543210; null stays null, an empty
-- text stays empty. An incomplete number is refused and never completed: it goes to the checkout.
--
-- Dropped: spaces, dots, hyphens, brackets of every kind, the marks that phones put around numbers,
-- and `tel:` before them.
-- Errors: INPUT_INVALID (422) `{field: "phone", rule: "e164" or "length"}`.
create or replace function private.read_phone(p_text text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_phone text;
begin
  perform private.check_size(p_text, 'phone', 200);
  v_phone := regexp_replace(
    p_text,
    '(?i)^tel:|[ ().\-/\t\u00a0\u00ad\u061c\u2000-\u2015\u202a-\u202f\u205f-\u206f\u2212\u3000'
    '\ufeff]',
    '', 'g'
  );
  if v_phone <> '' and not private.is_phone_number(v_phone) then
    perform private.raise_input_invalid(
      'phone', 'e164',
      'Write the phone number with its country code and no zero after it, as in +919876543210.'
    );
  end if;
  return v_phone;
end;
$$;

grant execute on function private.complete_profile(text, text, text, text) to authenticated;
grant execute on function public.complete_profile(text, text, text, text) to authenticated;
grant execute on function private.get_profile() to authenticated;
grant execute on function public.get_profile() to authenticated;
