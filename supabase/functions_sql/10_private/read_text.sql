-- A text that a caller typed, as it is stored: NFC, line ends as \n, without invisible direction
-- controls, trimmed; null stays null. The one place that limits the size of texts.
--
-- It first checks the size in bytes, and combining marks in a row: the time of normalize() grows
-- with the square of their number, and nothing can stop it. Call it before any lock. Direction
-- controls (U+202A-202E, U+2066-2069) are dropped because phones put them around names and numbers
-- that people paste, and because they can turn a text into another one on screen (Unicode TR 36,
-- "bidirectional text spoofing").
--
-- Args: the text; the name of the argument; how many characters the cleaned text may have; the rule
-- that a longer one breaks.
-- Errors: INPUT_INVALID (422) `{field, rule}`: length (or p_rule), combining_marks,
-- control_characters; MESSAGE_TOO_LONG (422) `{length, max}` where the field is message.
create or replace function private.read_text(
  p_text text,
  p_field text,
  p_max integer,
  p_rule text default 'length'
)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Most bytes of UTF-8 behind one stored character: a Korean syllable in three parts.
  c_bytes constant integer := 9;
  -- Blank characters that are trimmed, of all scripts.
  c_space constant text := e' \n\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007'
    '\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff';
  v_text text := p_text;
begin
  if octet_length(v_text) > p_max * c_bytes then
    perform private.raise_too_long(v_text, p_field, p_max, p_rule);
  end if;
  if position(e'\r' in v_text) > 0 then
    v_text := replace(replace(v_text, e'\r\n', e'\n'), e'\r', e'\n');
  end if;
  if octet_length(v_text) > char_length(v_text) then
    v_text := regexp_replace(v_text, '[\u202a-\u202e\u2066-\u2069]', '', 'g');
    if private.has_piled_marks(v_text) then
      perform private.raise_input_invalid(
        p_field, 'combining_marks', 'The text piles up accents on one letter: write at most 32.'
      );
    end if;
    v_text := normalize(v_text, nfc);
  end if;
  v_text := btrim(v_text, c_space);
  if v_text ~ '[\u0001-\u0008\u000b-\u001f\u007f-\u009f]' then
    perform private.raise_input_invalid(
      p_field, 'control_characters', 'The text holds control characters: remove them.'
    );
  end if;
  if char_length(v_text) > p_max then
    perform private.raise_too_long(v_text, p_field, p_max, p_rule);
  end if;
  return v_text;
end;
$$;

-- Whether more than 32 combining marks follow each other, of those that normalize() sorts: the
-- characters whose decomposition begins with a canonical combining class other than 0. A test
-- compares the list with PostgreSQL's own.
create or replace function private.has_piled_marks(p_text text)
returns boolean
language sql
immutable
as $$
  select p_text ~ (
    '['
    '\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a'
    '\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a'
    '\u07eb-\u07f3\u07fd\u0816-\u0819\u081b-\u0823\u0825-\u0827\u0829-\u082d\u0859-\u085b'
    '\u0897-\u089f\u08ca-\u08e1\u08e3-\u08ff\u093c\u094d\u0951-\u0954\u09bc\u09cd\u09fe\u0a3c'
    '\u0a4d\u0abc\u0acd\u0b3c\u0b4d\u0bcd\u0c3c\u0c4d\u0c55\u0c56\u0cbc\u0ccd\u0d3b\u0d3c\u0d4d'
    '\u0dca\u0e38-\u0e3a\u0e48-\u0e4b\u0eb8-\u0eba\u0ec8-\u0ecb\u0f18\u0f19\u0f35\u0f37\u0f39'
    '\u0f71-\u0f84\u0f86\u0f87\u0fc6\u1037-\u103a\u108d\u135d-\u135f\u1714\u1715\u1734\u17d2\u17dd'
    '\u18a9\u1939-\u193b\u1a17\u1a18\u1a60-\u1a7c\u1a7f\u1ab0-\u1ace\u1b34-\u1b44\u1b6b-\u1b73'
    '\u1baa\u1bab\u1be6-\u1bf3\u1c37\u1cd0-\u1cd2\u1cd4-\u1ce8\u1ced\u1cf4\u1cf8\u1cf9'
    '\u1dc0-\u1dff\u20d0-\u20f0\u2cef-\u2cf1\u2d7f\u2de0-\u2dff\u302a-\u302f\u3099\u309a\ua66f'
    '\ua674-\ua67d\ua69e\ua69f\ua6f0\ua6f1\ua806\ua82c\ua8c4\ua8e0-\ua8f1\ua92b-\ua92d\ua953'
    '\ua9b3-\ua9c0\uaab0\uaab2-\uaab4\uaab7\uaab8\uaabe\uaabf\uaac1\uaaf6\uabed\ufb1e\ufe20-\ufe2f'
    '\U000101fd\U000102e0\U00010376-\U0001037a\U00010a0d-\U00010a0f\U00010a38-\U00010a3a\U00010a3f'
    '\U00010ae5\U00010ae6\U00010d24-\U00010d27\U00010d69-\U00010d6d\U00010eab\U00010eac'
    '\U00010efd-\U00010eff\U00010f46-\U00010f50\U00010f82-\U00010f85\U00011046\U00011070\U0001107f'
    '\U000110b9\U000110ba\U00011100-\U00011102\U00011133\U00011134\U00011173\U000111c0\U000111ca'
    '\U00011235\U00011236\U000112e9\U000112ea\U0001133b\U0001133c\U0001134d\U00011366-\U0001136c'
    '\U00011370-\U00011374\U000113ce-\U000113d0\U00011442-\U00011446\U0001145e\U000114c2\U000114c3'
    '\U000115bf\U000115c0\U0001163f\U000116b6\U000116b7\U0001172b\U00011839\U0001183a'
    '\U0001193d\U0001193e\U00011943\U000119e0\U00011a34\U00011a47\U00011a99\U00011c3f'
    '\U00011d42-\U00011d45\U00011d97\U00011f41\U00011f42\U0001612f\U00016af0-\U00016af4'
    '\U00016b30-\U00016b36\U00016ff0\U00016ff1\U0001bc9e\U0001d165-\U0001d169\U0001d16d-\U0001d172'
    '\U0001d17b-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244'
    '\U0001e000-\U0001e006\U0001e008-\U0001e018\U0001e01b-\U0001e021\U0001e023\U0001e024'
    '\U0001e026-\U0001e02a\U0001e08f\U0001e130-\U0001e136\U0001e2ae\U0001e2ec-\U0001e2ef'
    '\U0001e4ec-\U0001e4ef\U0001e5ee\U0001e5ef\U0001e8d0-\U0001e8d6\U0001e944-\U0001e94a'
    ']{33}'
  );
$$;

create or replace function private.raise_too_long(
  p_text text,
  p_field text,
  p_max integer,
  p_rule text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_field = 'message' then
    perform private.raise_error(
      'MESSAGE_TOO_LONG', format('A message has at most %s characters.', p_max),
      jsonb_build_object('length', char_length(p_text), 'max', p_max), p_status => 422
    );
  end if;
  perform private.raise_input_invalid(p_field, p_rule, format('At most %s characters.', p_max));
end;
$$;

-- Whether a text shows nothing: empty, or only white space, joiners, selectors and other invisible
-- characters.
--
-- The ranges: white space; Unicode's general category Cf (format) and the fillers and selectors
-- of its Default_Ignorable_Code_Point; the empty Braille pattern.
create or replace function private.is_blank(p_text text)
returns boolean
language sql
immutable
as $$
  select p_text !~ (
    '[^[:space:]\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f'
    '\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0'
    '\U000e0000-\U000e0fff]'
  );
$$;
