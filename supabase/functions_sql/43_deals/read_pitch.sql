-- The words that come with an application, as they are kept; null when there are none.
--
-- Errors: INPUT_INVALID (422) `{field: "pitch", rule}`.
create or replace function private.read_pitch(p_pitch text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_pitch constant text := private.read_text(p_pitch, 'pitch', 5000, p_rule => 'max_length');
begin
  return case when not private.is_blank(v_pitch) then v_pitch end;
end;
$$;

revoke all on function private.read_pitch(text) from public, anon, authenticated, service_role;
