-- Holds when what was paid is what the open order asks for, amount and currency.
create or replace function private.guard_capture_matches(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_orders as o
    where o.conversation_id = (p_step.before).id
      and o.status = 'open'
      and o.amount_minor = (p_step.input -> 'amount_minor')::bigint
      and o.currency = p_step.input ->> 'currency'
  );
end;
$$;

revoke all on function private.guard_capture_matches(private.flow_step)
from public, anon, authenticated, service_role;
