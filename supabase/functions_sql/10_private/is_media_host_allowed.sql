-- Whether the setting media_hosts lets clients name this host (lower case).
create or replace function private.is_media_host_allowed(p_host text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select case jsonb_typeof(private.get_setting('media_hosts'))
    when 'array' then exists (
      select from jsonb_array_elements_text(private.get_setting('media_hosts')) as allowed (host)
      where p_host = allowed.host
        or (allowed.host like '*.%' and right(p_host, length(allowed.host) - 1)
          = substr(allowed.host, 2))
    )
    else true
  end;
$$;
