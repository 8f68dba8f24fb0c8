-- The caller's quota at this moment.
--
-- Definer: accounts are private.
-- Writes: nothing, but the account of a login that has none yet.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_quota()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_account private.accounts;
begin
  select a.* into v_account from private.accounts as a where a.user_id = v_me;
  if not found then
    v_account := private.lock_account(v_me);
  end if;
  return private.quota_json(v_account);
end;
$$;

-- RPC: the caller's free messages and points; returns `{daily_free_limit, used_today, free_left,
-- points_per_message, cost, points_balance, resets_at, timezone}`.
create or replace function public.get_quota()
returns jsonb
language sql
set search_path = ''
as $$
  select private.get_quota();
$$;

grant execute on function private.get_quota() to authenticated;
grant execute on function public.get_quota() to authenticated;
