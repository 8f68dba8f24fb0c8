-- What stands between `https://` and the path of a URL, in lower case; null for another scheme.
create or replace function private.url_authority(p_url text)
returns text
language sql
immutable
set search_path = ''
as $$
  select lower(substring(p_url from '^[Hh][Tt][Tt][Pp][Ss]://([^/?#]*)'));
$$;
