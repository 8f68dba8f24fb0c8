-- The caller's quota at this moment.
--
-- Definer: accounts are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_quota()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return (select private.quota_json(a) from private.accounts as a where a.user_id = v_me);
end;
$$;

-- RPC: the caller's free messages and points; returns `{daily_free_limit, used_today, free_left,
-- points_per_message, cost, points_balance, resets_at, timezone}`.
create or replace function public.get_quota()
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_quota();
$$;

grant execute on function private.get_quota() to authenticated;
grant execute on function public.get_quota() to authenticated;
