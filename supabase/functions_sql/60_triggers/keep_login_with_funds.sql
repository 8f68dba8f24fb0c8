-- Refuses to delete a login while a deal of that user holds money, or the user is owed a payout:
-- nobody could ask that user any more, and operators could not pay.
--
-- Definer: Auth deletes the login as its own role, which may not read our tables.
-- Locks: all rows that the deletion changes, in the order of all locks: the account, the user's
-- rate limits, bids and campaigns, then the conversations, each in the order of their ids. So it
-- waits for running calls.
-- Errors: FUNDS_HELD (409); Auth answers 500 and keeps the login.
create or replace function private.keep_login_with_funds()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform 1 from private.accounts as a where a.user_id = old.id for update;
  perform 1 from private.rate_limits as l
  where l.user_id = old.id
  order by l.action
  for update;
  perform 1 from public.bids as b where b.influencer_id = old.id order by b.id for no key update;
  perform 1 from public.campaigns as c
  where c.brand_owner_id = old.id
  order by c.id
  for no key update;
  perform 1 from private.conversations as c
  where old.id in (c.user_a, c.user_b)
  order by c.id
  for no key update;
  if exists (
    select from private.conversations as c
    cross join lateral private.as_of_now(c) as due
    where old.id in (c.user_a, c.user_b)
      and c.held_minor > 0
      -- A due step may owe money to this user: the step writes the payout.
      and (due.held_minor > 0 or due.released_minor > 0 and due.influencer_id = old.id)
  ) then
    perform private.raise_error(
      'FUNDS_HELD', 'A deal of this user holds money.', p_status => 409,
      p_hint => 'Finish the deal, or decide it with force_dispute and resolve_dispute.'
    );
  end if;
  if exists (
    select from private.payouts as p where p.influencer_id = old.id and p.status = 'owed'
  ) then
    perform private.raise_error(
      'FUNDS_HELD', 'This user is owed a payout.', p_status => 409,
      p_hint => 'Pay it, note it with mark_payout_paid, and delete the login then.'
    );
  end if;
  return old;
end;
$$;

create or replace trigger keep_login_with_funds
before delete on auth.users
for each row execute function private.keep_login_with_funds();
