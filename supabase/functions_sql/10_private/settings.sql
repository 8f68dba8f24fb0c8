-- The value of an operator's setting; JSON null when it is switched off.
create or replace function private.get_setting(p_key text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select s.value from private.settings as s where s.key = p_key);
end;
$$;

-- The value of an operator's setting that is a number; null when it is switched off.
create or replace function private.get_number(p_key text)
returns numeric
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select (s.value #>> '{}')::numeric from private.settings as s where s.key = p_key);
end;
$$;
