-- Refuses a name, a reference or an address that is larger than any honest one, before any work is
-- done on it. What people type goes through private.read_text.
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
  if pg_column_size(p_json) > p_max_bytes then
    perform private.raise_input_invalid(
      p_field, 'size', format('At most %s bytes of JSON.', p_max_bytes)
    );
  end if;
  if p_json @? '$.**{9 to last}' then
    perform private.raise_input_invalid(
      p_field, 'depth', format('At most %s levels of JSON inside each other.', c_max_depth)
    );
  end if;
end;
$$;
