-- A screen as clients get it: with a version, or `{not_modified, version}` when the client has it.
--
-- The version is a hash of everything on the screen but the time of the answer, so that it moves
-- with whatever the reader can see: a message, a receipt, a deadline that passed.
create or replace function private.screen_json(p_screen json, p_known_version text)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_version constant text := md5(replace(p_screen::text, to_json(now())::text, ''));
begin
  if v_version = p_known_version then
    return json_build_object('not_modified', true, 'version', v_version);
  end if;
  return p_screen::jsonb || jsonb_build_object('version', v_version);
end;
$$;
