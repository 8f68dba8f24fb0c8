-- Refuses a media URL that clients cannot load safely, or whose host the settings do not allow.
--
-- Errors: MEDIA_INVALID (422) `{rule}`: a rule of find_url_fault, or host_not_allowed by the
-- setting media_hosts.
create or replace function private.check_media_url(p_url text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rule text := private.find_url_fault(p_url);
begin
  if v_rule is null
    and not private.is_media_host_allowed(
      regexp_replace(private.url_authority(p_url), ':443$', '')
    ) then
    v_rule := 'host_not_allowed';
  end if;
  if v_rule is not null then
    perform private.raise_error(
      'MEDIA_INVALID', 'This media address cannot be sent.',
      jsonb_build_object('rule', v_rule), p_status => 422,
      p_hint => 'Send an https address of a public host, without a port or a password in it.'
    );
  end if;
end;
$$;

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

-- The rule of safe URLs that a URL breaks, or null.
--
-- Allowed: https in plain ASCII (RFC 3986), a DNS name (no IP address, no local name), no
-- credentials, port 443, at most 2,048 characters. Rules: length, characters, scheme, credentials,
-- port, host.
create or replace function private.find_url_fault(p_url text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_authority constant text := private.url_authority(left(p_url, 2048));
  v_host constant text := regexp_replace(v_authority, ':[0-9]*$', '');
  v_port constant text := substring(v_authority from ':([0-9]*)$');
begin
  return case
    when octet_length(p_url) > 2048 then 'length'
    when p_url ~ '[^!-~]|[<>"\\^`{|}]' then 'characters'
    when v_authority is null then 'scheme'
    when position('@' in v_authority) > 0 then 'credentials'
    when coalesce(v_port, '443') <> '443' then 'port'
    -- The last label starts with a letter; no spelling of an IPv4 address does.
    when v_host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'
      or char_length(v_host) > 253
      or v_host ~ '\.(localhost|local|internal|arpa|invalid|test)$' then 'host'
  end;
end;
$$;

-- The part between `https://` and the path of a URL, in lower case; null for another scheme.
create or replace function private.url_authority(p_url text)
returns text
language sql
immutable
set search_path = ''
as $$
  select lower(substring(p_url from '^[Hh][Tt][Tt][Pp][Ss]://([^/?#]*)'));
$$;
