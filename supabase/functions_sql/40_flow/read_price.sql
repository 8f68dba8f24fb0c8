-- The rupees that a person typed, in one of the notations of Indian prices; any size.
--
-- A number with or without thousands commas (5,00,000 or 500,000) and at most two decimals; behind
-- it k or thousand, l, lac or lakh, cr or crore (also lacs, lakhs, crores) if wanted; with ₹, ₨,
-- Rs, Rs., INR or rupees on either side, and /- or only at the end. Capitals and spaces do not
-- matter, but a space inside a number makes it two. Digits of every Indian script, Arabic ones and
-- full-width ones count as digits, in a text that has no others. Everything else is refused, never
-- guessed.
--
-- Errors: PRICE_UNPARSEABLE (422) `{understood}`: the first number in the text, or null.
create or replace function private.read_price(p_text text)
returns numeric
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Far longer than any price; the rest is not read.
  c_max_text constant integer := 5000;
  c_max_price constant integer := 64;
  -- Typed and pasted spaces, and the marks that phones put around numbers.
  c_space constant text := '[[:space:]\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+';
  c_sign constant text := '(?:₹|₨|rs\.?|inr|rupees?)';
  c_number constant text := '(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+'
    '|[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3})(?:\.[0-9]{1,2})?';
  c_price constant text := '^(?:' || c_sign || ' ?)*(' || c_number
    || ') ?(k|thousand|l|la(?:kh|c)s?|cr(?:ores?)?)? ?(?:(?:' || c_sign || '|/-|only) ?)*$';
  -- The digit 0 of Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada,
  -- Malayalam, Arabic, Urdu, Ol Chiki, Meetei Mayek, and of full width; the others follow it.
  c_zeros constant text := '०০੦૦୦௦౦೦൦٠۰᱐꯰０';
  v_text text := regexp_replace(left(p_text, c_max_text), c_space, ' ', 'g');
  v_zero integer;
  v_parts text[];
begin
  v_text := btrim(lower(v_text collate "C"));
  if v_text !~ '[0-9]' and octet_length(v_text) > char_length(v_text) then
    select ascii(z.zero) into v_zero
    from regexp_split_to_table(c_zeros, '') as z (zero)
    where v_text ~ ('[' || z.zero || '-' || chr(ascii(z.zero) + 9) || ']')
    order by position(z.zero in c_zeros)
    limit 1;
    v_text := translate(
      v_text,
      (select string_agg(chr(v_zero + n), '' order by n) from generate_series(0, 9) as n),
      '0123456789'
    );
  end if;
  if char_length(p_text) <= c_max_text and char_length(v_text) <= c_max_price then
    v_parts := regexp_match(v_text, c_price);
  end if;
  if v_parts is null then
    perform private.raise_error(
      'PRICE_UNPARSEABLE',
      'This is no price: write one number of rupees, such as 5000, 5,00,000, 5k or 1.5 lakh.',
      jsonb_build_object(
        'understood', left(substring(v_text from '[0-9](?:[0-9,.]*[0-9])?'), 20)
      ),
      p_status => 422
    );
  end if;
  return replace(v_parts[1], ',', '')::numeric * case left(v_parts[2], 1)
    when 'k' then 1000
    when 't' then 1000
    when 'l' then 100000
    when 'c' then 10000000
    else 1
  end;
end;
$$;
