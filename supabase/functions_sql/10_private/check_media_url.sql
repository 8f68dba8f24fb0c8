-- Refuses a media URL that a client should not be made to load.
--
-- Allowed: https in plain ASCII (RFC 3986), a DNS name (no IP address, no local name), no
-- credentials, port 443, at most 2,048 characters, a host that the setting media_hosts lists
-- (JSON null: any).
-- Errors: MEDIA_INVALID (422) `{rule}`: length, characters, scheme, credentials, port, host,
-- host_not_allowed.
create or replace function private.check_media_url(p_url text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_authority constant text := lower(substring(p_url from '^[Hh][Tt][Tt][Pp][Ss]://([^/?#]*)'));
  v_host constant text := regexp_replace(v_authority, ':[0-9]*$', '');
  v_port constant text := substring(v_authority from ':([0-9]*)$');
  v_rule text;
begin
  v_rule := case
    when char_length(p_url) > 2048 then 'length'
    when p_url ~ '[^!-~]|[<>"\\^`{|}]' then 'characters'
    when v_authority is null then 'scheme'
    when position('@' in v_authority) > 0 then 'credentials'
    when coalesce(v_port, '443') <> '443' then 'port'
    -- The last label starts with a letter, which no spelling of an IPv4 address does.
    when v_host !~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'
      or char_length(v_host) > 253
      or v_host ~ '\.(localhost|local|internal|arpa|invalid|test)$' then 'host'
    when not private.is_media_host_allowed(v_host) then 'host_not_allowed'
  end;
  if v_rule is not null then
    perform private.raise_error(
      'MEDIA_INVALID', 'This media address cannot be sent.',
      jsonb_build_object('rule', v_rule), p_status => 422,
      p_hint => 'Send an https address of a public host, without a port or a password in it.'
    );
  end if;
end;
$$;

revoke all on function private.check_media_url(text) from public, anon, authenticated, service_role;
