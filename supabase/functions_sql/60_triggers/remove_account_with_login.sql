-- Deletes the account of a deleted login and empties its card. Its conversations stay for the other
-- side and accept no more messages; its bids and campaigns close; its deals end as after a block. A
-- token of the login that is still valid reads and writes nothing.
--
-- Definer: Auth deletes the login as its own role, which may not write our tables.
-- Locks: private.keep_login_with_funds has locked the account, bids, campaigns and conversations.
-- Writes: accounts, push_tokens, admins, notifications, action_results, rate_limits, files, bids,
-- campaigns, conversations (is_barred), users, and as private.leave_deals and
-- private.touch_conversations.
create or replace function private.remove_account_with_login()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from private.accounts as a where a.user_id = old.id;
  delete from private.push_tokens as t where t.user_id = old.id;
  delete from private.admins as a where a.user_id = old.id;
  delete from private.notifications as n where n.user_id = old.id;
  delete from private.action_results as r where r.user_id = old.id;
  delete from private.rate_limits as l where l.user_id = old.id;
  -- Submitted work belongs to the brand owner too, and stays with the deal.
  update private.files as f
  set dropped_at = now()
  where f.owner_id = old.id and not f.is_work and f.dropped_at is null;
  update public.bids as b
  set status = 'closed', updated_at = now()
  where b.influencer_id = old.id and b.status = 'open';
  update public.campaigns as c
  set status = 'closed', updated_at = now()
  where c.brand_owner_id = old.id and c.status = 'open';
  -- Before the card is emptied, so that messages to the other side still have the name.
  perform private.leave_deals(old.id, null);
  update private.conversations as c
  set is_barred = true
  where old.id in (c.user_a, c.user_b) and not c.is_barred;
  update public.users as u
  set role = null, display_name = null, avatar_url = null, updated_at = now()
  where u.id = old.id;
  perform private.touch_conversations(old.id);
  return null;
end;
$$;

create or replace trigger remove_account_with_login
after delete on auth.users
for each row execute function private.remove_account_with_login();
