-- Refuses every change or deletion in the audit of payments, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_payment_audit()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'the audit of payments is append-only: add another line'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_payment_audit
before update or delete or truncate on private.payment_audit
for each statement execute function private.keep_payment_audit();
