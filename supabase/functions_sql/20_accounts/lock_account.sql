-- Locks the caller's account until the transaction ends and returns it: the first lock of every
-- write that sends, so that one user's sends follow each other and locks have one order.
--
-- Locks: the account's row.
-- Errors: AUTH_REQUIRED (401) when the login was deleted while this waited, FORBIDDEN (403) for an
-- anonymous one.
create or replace function private.lock_account(p_user_id uuid)
returns private.accounts
language plpgsql
set search_path = ''
as $$
declare
  v_account private.accounts;
begin
  select a.* into v_account
  from private.accounts as a
  where a.user_id = p_user_id
  for no key update;
  if not found then
    perform private.raise_no_account(p_user_id);
  end if;
  return v_account;
end;
$$;

-- Locks the account of a user with whom the caller opens a conversation. So a block by that user,
-- or the deletion of that login, either came before or sees the conversation. Two users who open
-- one with each other do not wait for each other, and sends do not wait.
--
-- Call it after private.lock_account and before any other lock.
-- Locks: the other user's account (key share).
create or replace function private.lock_peer(p_user_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform 1 from private.accounts as a where a.user_id = p_user_id for key share;
end;
$$;
