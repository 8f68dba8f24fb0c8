-- How far the books of deals that hold money are from what their ledger says, in paise: 0, or
-- something is wrong.
create or replace function private.balance_books()
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(abs(c.held_minor - private.ledger_balance(c.id, 'held'))), 0)
    from public.conversations as c
    where c.held_minor > 0
  );
end;
$$;

revoke all on function private.balance_books() from public, anon, authenticated, service_role;
