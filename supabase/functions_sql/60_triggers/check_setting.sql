-- Refuses a wrong value of a setting, with a sentence for the operator who writes it.
--
-- Errors: 23514 (check_violation); no RPC causes it.
create or replace function private.check_setting()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_fault constant text := private.find_setting_fault(new.key, new.value);
begin
  if v_fault is not null then
    raise exception 'setting %: %', new.key, v_fault using errcode = 'check_violation';
  end if;
  return new;
end;
$$;

-- The fault of a setting's value, as a sentence, or null.
create or replace function private.find_setting_fault(p_key text, p_value jsonb)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  c_host constant text := '^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+'
    '[a-z]([a-z0-9-]{0,61}[a-z0-9])?$';
  c_media_type constant text :=
    '^((image|audio|video)/[a-z0-9][a-z0-9.+-]{0,99}|application/pdf)$';
  v_is_number constant boolean := jsonb_typeof(p_value) = 'number';
begin
  if p_value is null then
    return 'write a JSON value.';
  end if;
  if p_key like 'rate\_%' then
    return case
      when p_value <> 'null' and not coalesce(jsonb_typeof(p_value) = 'object' and p_value @? '
        $ ? (@.burst >= 1 && @.burst <= 1000000 && (
          @.per_second > 0 && @.per_second <= 1000000
          || @.per_minute > 0 && @.per_minute <= 1000000
          || @.per_day > 0 && @.per_day <= 1000000
        ))
      ' and not p_value @? 'strict $.* ? (@.type() != "number")', false) then
        'write {"per_second", "per_minute" or "per_day": a number above 0, "burst": 1 or more},'
        ' or null for no limit.'
    end;
  end if;
  if p_key in ('expired_grace_days', 'stranger_messages') and p_value = 'null' then
    return null;
  end if;
  return case p_key
    when 'expired_grace_days' then case
      when not v_is_number or not p_value @? '$ ? (@ >= 0 && @ <= 36500)'
        then 'write 0 to 36500 days, or null for never.'
    end
    when 'media_hosts' then case
      when p_value <> 'null' and (
        jsonb_typeof(p_value) <> 'array'
        or exists (
          select from jsonb_array_elements(p_value) as h (host)
          where jsonb_typeof(h.host) <> 'string' or h.host #>> '{}' !~ c_host
        )
      ) then
        'write a list of host names in lower case, such as ["cdn.example.com", "*.example.com"],'
        ' or null for any.'
    end
    when 'attachment_types' then case
      when jsonb_typeof(p_value) <> 'array' or p_value = '[]' or exists (
        select from jsonb_array_elements(p_value) as t (type)
        where jsonb_typeof(t.type) <> 'string' or t.type #>> '{}' !~ c_media_type
          -- SVG can run scripts.
          or t.type = '"image/svg+xml"'
      ) then
        'write a list of types of images, audio, video and "application/pdf", such as'
        ' ["image/png", "application/pdf"]; no "image/svg+xml".'
    end
    when 'quota_timezone' then case
      when jsonb_typeof(p_value) <> 'string'
        or p_value #>> '{}' not in (select z.name from pg_catalog.pg_timezone_names as z)
        or p_value <> '"UTC"' and p_value #>> '{}' !~ '^[A-Z][A-Za-z_]*(/[A-Za-z0-9_+-]+)+$'
        then 'write the name of a time zone, such as "Asia/Kolkata", or "UTC".'
    end
    when 'direct_blocked_during_deal' then case
      when jsonb_typeof(p_value) <> 'boolean' then 'write true or false.'
    end
    when 'system_user_id' then case
      when not exists (
        select from public.users as u
        where u.role = 'system' and to_jsonb(u.id::text) = p_value
      ) then 'write the id of a row of public.users with the role system.'
    end
    when 'payment_mode' then case
      when p_value not in ('"test"', '"live"') then 'write "test" or "live".'
    end
    else case
      when not v_is_number or not p_value @? '$ ? (@ >= 0 && @ <= 1000000 && @.floor() == @)'
        then 'write a whole number from 0 to 1,000,000.'
    end
  end;
end;
$$;

create or replace trigger check_setting
before insert or update on private.settings
for each row execute function private.check_setting();
