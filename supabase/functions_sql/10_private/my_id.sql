-- The caller's id while the login has an account, else null: for policies, where a token that
-- outlives its login, or an anonymous one, must read nothing.
--
-- Definer: a policy that read private.accounts as the caller would need a grant on it.
-- Policies call it as `(select private.my_id())`: computed once a statement, not once a row.
create or replace function private.my_id()
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
  select a.user_id from private.accounts as a where a.user_id = (select auth.uid());
$$;

grant execute on function private.my_id() to authenticated;
