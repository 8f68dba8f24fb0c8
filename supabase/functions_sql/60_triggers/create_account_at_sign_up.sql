-- Gives every new login its card and account in the transaction of the sign-up.
--
-- Definer: Auth inserts the login as its own role, which may not write our tables.
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

revoke all on function private.create_account_at_sign_up()
from public, anon, authenticated, service_role;

create or replace trigger create_account_at_sign_up
after insert on auth.users
for each row execute function private.create_account_at_sign_up();
