-- Where words stand in a text: `{text, ranges: [[start, length]]}`, in characters from 0.
--
-- text is the part around the first hit, at most 200 characters. Ranges and not markup, because
-- what a client shows is the client's to escape.
create or replace function private.highlight_words(p_text text, p_words text[])
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  c_lead constant integer := 40;
  c_length constant integer := 200;
  v_first constant integer := (
    select min(nullif(position(lower(w.word) in lower(p_text)), 0)) from unnest(p_words) as w (word)
  );
  v_text constant text := substr(p_text, greatest(1, v_first - c_lead), c_length);
begin
  return jsonb_build_object(
    'text', v_text,
    'ranges', (
      select coalesce(jsonb_agg(jsonb_build_array(hit.start, hit.length) order by hit.start), '[]')
      from (
        select position(lower(w.word) in lower(v_text)) - 1 as start, char_length(w.word) as length
        from unnest(p_words) as w (word)
      ) as hit
      where hit.start >= 0
    )
  );
end;
$$;

revoke all on function private.highlight_words(text, text[])
from public, anon, authenticated, service_role;
