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
    select coalesce(sum(abs(booked.difference)), 0)
    from (
      select
        c.held_minor - coalesce(
          sum(case when e.to_account = 'held' then e.amount_minor else -e.amount_minor end), 0
        ) as difference
      from public.conversations as c
      left join private.escrow_ledger as e
        on e.conversation_id = c.id and 'held' in (e.from_account, e.to_account)
      where c.held_minor > 0
      group by c.id
    ) as booked
  );
end;
$$;

revoke all on function private.balance_books() from public, anon, authenticated, service_role;
