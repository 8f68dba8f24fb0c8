-- Refuses every change or deletion of a line of the points ledger, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_points_ledger()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'the points ledger is append-only: add a correcting entry'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_points_ledger
before update or delete or truncate on private.points_ledger
for each statement execute function private.keep_points_ledger();
