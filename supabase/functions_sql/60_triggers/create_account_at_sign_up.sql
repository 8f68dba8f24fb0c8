-- Creates the card and the account of a new login in the transaction of the sign-up; for an
-- anonymous login when it gets an identity.
--
-- Definer: Auth writes the login as its own role, which may not write our tables.
create or replace function private.create_account_at_sign_up()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.create_account(new.id);
  return null;
end;
$$;

create or replace trigger create_account_at_sign_up
after insert or update of is_anonymous on auth.users
for each row when (not new.is_anonymous) execute function private.create_account_at_sign_up();

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

-- Creates accounts for logins that exist already.
select private.create_account(u.id) from auth.users as u where not u.is_anonymous;
