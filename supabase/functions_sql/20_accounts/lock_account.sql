-- Locks the caller's account until the transaction ends and returns it: the first lock of every
-- write that sends, so that one user's sends follow each other and locks have one order.
--
-- Locks: the account's row; made on demand for a login that has none. Writes: what create_account
-- writes.
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
  if found then
    return v_account;
  end if;
  perform private.require_login(p_user_id);
  perform private.create_account(p_user_id);
  return private.lock_account(p_user_id);
end;
$$;

-- Gives a login its card and its account, with the free messages and the price that the settings
-- say; one that has them is left alone.
--
-- Writes: users, accounts.
create or replace function private.create_account(p_user_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.users (id) values (p_user_id) on conflict (id) do nothing;
  insert into private.accounts (user_id, daily_free_limit, points_per_message)
  values (
    p_user_id,
    private.get_number('daily_free_limit')::integer,
    private.get_number('points_per_message')::integer
  )
  on conflict (user_id) do nothing;
end;
$$;

-- Locks the account of a user with whom the caller opens a conversation: a block by that user, or
-- the deletion of that login, either came before or finds the conversation. Two users who open one
-- with each other do not wait for each other, and sends do not wait.
--
-- Call it after private.lock_account and before anything else is locked.
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
