-- A text of the flow with each `{name}` replaced by the value of that name, as text.
--
-- A name without a value gives nothing. Values are put in as they are: braces in them mean
-- nothing, so what one party typed cannot show the other a value that was not meant for it.
create or replace function private.fill_template(p_text text, p_values jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_pieces text[];
  v_piece text;
  v_name text;
  v_filled text;
begin
  if p_text is null or position('{' in p_text) = 0 then
    return p_text;
  end if;
  v_pieces := string_to_array(p_text, '{');
  v_filled := v_pieces[1];
  foreach v_piece in array v_pieces[2:] loop
    v_name := substring(v_piece from '^([a-z][a-z0-9_]*)\}');
    v_filled := v_filled || case
      when v_name is null then '{' || v_piece
      else coalesce(p_values ->> v_name, '') || substr(v_piece, char_length(v_name) + 2)
    end;
  end loop;
  return v_filled;
end;
$$;

revoke all on function private.fill_template(text, jsonb)
from public, anon, authenticated, service_role;
