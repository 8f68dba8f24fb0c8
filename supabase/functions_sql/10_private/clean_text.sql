-- A text as it will be stored: NFC, line ends as \n, without invisible direction controls, trimmed.
--
-- Direction controls (U+202A-202E, U+2066-2069) are dropped because phones put them around names
-- and numbers that people paste, and because they can turn a text into another one on screen
-- (Unicode TR 36, "bidirectional text spoofing").
create or replace function private.clean_text(p_text text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- What looks like nothing at either end, also in other scripts' typesetting.
  c_space constant text := e' \n\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007'
    '\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';
  v_text text := replace(replace(p_text, e'\r\n', e'\n'), e'\r', e'\n');
begin
  v_text := regexp_replace(v_text, '[\u202a-\u202e\u2066-\u2069]', '', 'g');
  return btrim(normalize(v_text, nfc), c_space);
end;
$$;

revoke all on function private.clean_text(text) from public, anon, authenticated, service_role;
