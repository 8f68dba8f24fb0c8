-- An amount in paise as people in India write it: 150000050 is ₹15,00,000.50.
--
-- The last three digits of the rupees stand together, the ones before in pairs.
create or replace function private.rupees_text(p_minor bigint)
returns text
language plpgsql
immutable
strict
security invoker
set search_path = ''
as $$
declare
  v_rupees constant text := (p_minor / 100)::text;
begin
  return '₹'
    || case when char_length(v_rupees) > 3
      then regexp_replace(
        left(v_rupees, -3), '(\d)(?=(\d\d)+$)', '\1,', 'g'
      ) || ',' || right(v_rupees, 3)
      else v_rupees
    end
    || case when p_minor % 100 = 0 then '' else '.' || lpad((p_minor % 100)::text, 2, '0') end;
end;
$$;

revoke all on function private.rupees_text(bigint) from public, anon, authenticated, service_role;
