-- Holds when a payment was ever asked for in this conversation.
create or replace function private.guard_has_order(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_orders as o where o.conversation_id = (p_step.before).id
  );
end;
$$;

revoke all on function private.guard_has_order(private.flow_step)
from public, anon, authenticated, service_role;
