-- Deletes the caller's login, as Auth does: triggers refuse it or delete the user's data. The
-- trigger keep_login_with_funds refuses it with FUNDS_HELD, HTTP 409, while a deal of the caller
-- holds money or the caller is owed a payout: end the deal, or wait for the payout.
-- docs/SECURITY.md lists the data that stay.
--
-- Definer: clients may not write Auth's tables.
-- Locks, writes: as private.keep_login_with_funds and private.remove_account_with_login.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.delete_my_account()
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  delete from auth.users as u where u.id = v_me;
  return json_build_object('deleted', true);
end;
$$;

-- RPC: deletes the caller's login and the data of the caller alone; returns `{deleted}`.
create or replace function public.delete_my_account()
returns json
language sql
set search_path = ''
as $$
  select private.delete_my_account();
$$;

grant execute on function private.delete_my_account(), public.delete_my_account() to authenticated;
