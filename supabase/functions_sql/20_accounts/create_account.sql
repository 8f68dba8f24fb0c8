-- Gives a login its card and its account, with the free messages and the price that the settings
-- say; one that has them is left alone.
--
-- Writes: users, accounts.
create or replace function private.create_account(p_user_id uuid)
returns void
language plpgsql
security invoker
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

revoke all on function private.create_account(uuid) from public, anon, authenticated, service_role;
