-- Holds when the price that the actor saw is the quote, or the actor named none.
create or replace function private.guard_quote_matches(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.price_matches(p_step, 'quote_minor');
end;
$$;

revoke all on function private.guard_quote_matches(private.flow_step)
from public, anon, authenticated, service_role;
