-- What a button carries: an object whose values `"{name}"` become the conversation's value of that
-- name, as it is (a number stays a number); null for a button that carries nothing.
create or replace function private.fill_data(
  p_data jsonb,
  p_conversation public.conversations
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if p_data is null then
    return null;
  end if;
  return (
    select jsonb_object_agg(d.key, coalesce(v.value -> btrim(d.value, '{}'), 'null'))
    from jsonb_each_text(p_data) as d
    cross join private.deal_values(p_conversation) as v (value)
  );
end;
$$;

revoke all on function private.fill_data(jsonb, public.conversations)
from public, anon, authenticated, service_role;
