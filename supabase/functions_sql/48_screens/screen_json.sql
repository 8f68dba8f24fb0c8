-- A screen with its version, or `{not_modified, version}` when the client has that version.
--
-- The version is a hash of everything on the screen except the time of the answer, so it changes
-- with everything that the reader can see: a message, a receipt, a passed deadline.
create or replace function private.screen_json(p_screen json, p_known_version text)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_screen constant text := p_screen;
  v_version constant text := md5(replace(v_screen, to_json(now())::text, ''));
begin
  if v_version = p_known_version then
    return json_build_object('not_modified', true, 'version', v_version);
  end if;
  -- Put into the text of the object without parsing it: a screen is long.
  return format('{"version" : "%s", %s', v_version, substr(v_screen, 2))::json;
end;
$$;
