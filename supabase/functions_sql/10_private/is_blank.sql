-- Whether a text shows nothing: empty, or made only of white space, joiners, selectors and other
-- characters without a picture of their own.
--
-- The ranges: white space; Unicode's general category Cf (format) and the fillers and selectors
-- of its Default_Ignorable_Code_Point; the empty Braille pattern.
create or replace function private.is_blank(p_text text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return p_text !~ (
    '[^[:space:]\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f'
    '\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0'
    '\U000e0000-\U000e0fff]'
  );
end;
$$;
