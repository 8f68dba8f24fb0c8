-- Whether the price that the actor saw is the one that flow_data has under a key, in paise; who
-- named none agrees to whatever it is.
create or replace function private.price_matches(p_step private.flow_step, p_key text)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce(
    (p_step.input -> 'price_minor')::bigint = ((p_step.before).flow_data -> p_key)::bigint, true
  );
end;
$$;

revoke all on function private.price_matches(private.flow_step, text)
from public, anon, authenticated, service_role;
