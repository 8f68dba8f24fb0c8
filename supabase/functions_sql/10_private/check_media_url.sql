-- Refuses a media URL that a client should not be made to load, or whose host is not allowed here.
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
