-- A field of an action's input with the limits that its row leaves open: those that
-- private.to_minor has for every amount, and 1,000 characters of text.
create or replace function private.complete_limits(p_input private.flow_inputs)
returns private.flow_inputs
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if p_input.type = 'price' then
    p_input.min := coalesce(p_input.min, 1);
    p_input.max := coalesce(p_input.max, 10000000);
  elsif p_input.type in ('text', 'textarea', 'email') then
    p_input.max_length := coalesce(p_input.max_length, 1000);
  end if;
  return p_input;
end;
$$;

revoke all on function private.complete_limits(private.flow_inputs)
from public, anon, authenticated, service_role;
