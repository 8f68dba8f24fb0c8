-- What a button carries: an object whose values `"{name}"` become the value of that name, as it is
-- (a number stays a number); null for a button that carries nothing.
create or replace function private.fill_data(p_data jsonb, p_values jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_object_agg(d.key, coalesce(p_values -> btrim(d.value, '{}'), 'null'))
    from jsonb_each_text(p_data) as d
  );
end;
$$;

revoke all on function private.fill_data(jsonb, jsonb)
from public, anon, authenticated, service_role;
