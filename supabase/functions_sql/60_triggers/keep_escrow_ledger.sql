-- Refuses every change or deletion in the ledger of deals, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_escrow_ledger()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'the escrow ledger is append-only: add a correcting entry'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_escrow_ledger
before update or delete or truncate on private.escrow_ledger
for each statement execute function private.keep_escrow_ledger();
