-- What the ledger says is on an account for a conversation, in paise.
create or replace function private.ledger_balance(p_conversation_id uuid, p_account text)
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(
      case p_account
        when e.to_account then e.amount_minor
        when e.from_account then -e.amount_minor
        else 0
      end
    ), 0)
    from private.escrow_ledger as e
    where e.conversation_id = p_conversation_id
  );
end;
$$;

revoke all on function private.ledger_balance(uuid, text)
from public, anon, authenticated, service_role;
