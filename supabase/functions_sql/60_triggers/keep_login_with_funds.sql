-- Refuses to delete a login while a deal of that user holds money: both sides would lose whom to
-- ask.
--
-- Definer: Auth deletes the login as its own role, which may not read our tables.
-- Locks: the account, then the user's open deals in the order of their ids.
-- Errors: FUNDS_HELD (409); Auth answers 500 and keeps the login.
create or replace function private.keep_login_with_funds()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- What is coming in at this moment is waited for.
  perform 1 from private.accounts as a where a.user_id = old.id for update;
  perform 1 from public.conversations as c
  where old.id in (c.user_a, c.user_b) and c.kind <> 'direct' and c.chat_status <> 'closed'
  order by c.id
  for no key update;
  if exists (
    select from public.conversations as c
    where old.id in (c.user_a, c.user_b)
      and c.held_minor > 0
      and (private.as_of_now(c)).held_minor > 0
  ) then
    perform private.raise_error(
      'FUNDS_HELD', 'A deal of this user holds money.', p_status => 409,
      p_hint => 'Finish the deal, or decide it with force_dispute and resolve_dispute.'
    );
  end if;
  return old;
end;
$$;

revoke all on function private.keep_login_with_funds()
from public, anon, authenticated, service_role;

create or replace trigger keep_login_with_funds
before delete on auth.users
for each row execute function private.keep_login_with_funds();
