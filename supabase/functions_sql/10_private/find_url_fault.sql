-- The rule that a URL breaks which a client should not be made to load, or null.
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
    -- The last label starts with a letter, which no spelling of an IPv4 address does.
    when v_host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'
      or char_length(v_host) > 253
      or v_host ~ '\.(localhost|local|internal|arpa|invalid|test)$' then 'host'
  end;
end;
$$;
