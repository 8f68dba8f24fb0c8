-- Refuses a name, a reference or an address that is larger than any honest one, before any work on
-- it. private.read_text reads the texts that people type.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "length"}`.
create or replace function private.check_size(p_text text, p_field text, p_max_bytes integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if octet_length(p_text) > p_max_bytes then
    perform private.raise_input_invalid(
      p_field, 'length', format('At most %s bytes.', p_max_bytes)
    );
  end if;
end;
$$;

-- Refuses a JSON value that is larger or deeper than any honest one, before it is looked into.
--
-- A number of a few bytes, such as 1e131071, can be a very long text. A small value holds too few
-- of them to do harm.
-- Errors: INPUT_INVALID (422) `{field, rule: "size" or "depth"}`.
create or replace function private.check_json(p_json jsonb, p_field text, p_max_bytes integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_max_depth constant integer := 8;
begin
  if pg_column_size(p_json) > 200 then
    if pg_column_size(p_json) > p_max_bytes then
      perform private.raise_input_invalid(
        p_field, 'size', format('At most %s bytes of JSON.', p_max_bytes)
      );
    end if;
    if private.has_long_number(p_json) then
      perform private.raise_input_invalid(p_field, 'size', 'At most 100 digits in a number.');
    end if;
  end if;
  if p_json @? '$.**{9 to last}' then
    perform private.raise_input_invalid(
      p_field, 'depth', format('At most %s levels of JSON inside each other.', c_max_depth)
    );
  end if;
end;
$$;

-- Whether a number anywhere in a JSON value has more than 100 digits.
create or replace function private.has_long_number(p_json jsonb)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return exists (
    select from jsonb_path_query(p_json, '$.** ? (@.type() == "number")') as n (value)
    where abs(n.value::numeric) >= 1e100 or scale(n.value::numeric) > 100
  );
end;
$$;

-- The values that a caller typed into the fields of an action, with texts in NFC, so that
-- normalize() has no work left under a lock. Call it before any lock is taken.
--
-- Null, and a value that is no object, come back unchanged.
-- Errors: INPUT_INVALID (422) `{field, rule}`: those of check_json for the field input, and
-- combining_marks, which names the field of the object.
create or replace function private.read_fields(p_json jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_piled text;
  v_fields jsonb;
begin
  perform private.check_json(p_json, 'input', 65536);
  if jsonb_typeof(p_json) <> 'object'
    or octet_length(p_json::text) = char_length(p_json::text) then
    return p_json;
  end if;
  select f.key into v_piled
  from jsonb_each_text(p_json) as f
  where private.has_piled_marks(f.value)
  limit 1;
  if found then
    perform private.raise_input_invalid(
      v_piled, 'combining_marks', 'The text piles up accents on one letter: write at most 32.'
    );
  end if;
  select jsonb_object_agg(
    f.key,
    case jsonb_typeof(f.value)
      when 'string' then to_jsonb(normalize(f.value #>> '{}', nfc))
      else f.value
    end
  )
  into v_fields
  from jsonb_each(p_json) as f;
  return v_fields;
end;
$$;

-- Refuses a value that is not one of a few.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "one_of"}`.
create or replace function private.check_choice(p_field text, p_value text, p_choices text[])
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_value is null or p_value <> all (p_choices) then
    perform private.raise_input_invalid(
      p_field, 'one_of', 'One of ' || array_to_string(p_choices, ', ') || '.'
    );
  end if;
end;
$$;

-- How many rows a page has: the number asked for or the default, at least 1 and at most max.
create or replace function private.clamp_page_size(
  p_page_size integer,
  p_default integer,
  p_max integer
)
returns integer
language sql
immutable
set search_path = ''
as $$
  select greatest(1, least(coalesce(p_page_size, p_default), p_max));
$$;
