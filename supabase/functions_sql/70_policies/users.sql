-- Every signed-in user may see every card: anybody may chat with anybody.
drop policy if exists users_select_signed_in on public.users;
create policy users_select_signed_in on public.users
for select to authenticated
using ((select private.my_id()) is not null);
