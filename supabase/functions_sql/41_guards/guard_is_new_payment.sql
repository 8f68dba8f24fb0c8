-- Holds when this payment is in no book yet.
create or replace function private.guard_is_new_payment(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return not exists (
    select from private.escrow_ledger as e
    where e.from_account = 'gateway' and e.payment_id = p_step.input ->> 'payment_id'
  );
end;
$$;

revoke all on function private.guard_is_new_payment(private.flow_step)
from public, anon, authenticated, service_role;
