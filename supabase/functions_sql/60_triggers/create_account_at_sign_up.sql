-- Gives every new login its card and account in the transaction of the sign-up; an anonymous one
-- when it becomes somebody's.
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
