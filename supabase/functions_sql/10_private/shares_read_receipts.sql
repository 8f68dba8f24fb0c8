-- Whether two users let each other see what they have read: both share it and neither blocks the
-- other.
create or replace function private.shares_read_receipts(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return not exists (
    select from private.accounts as a
    where a.user_id in (p_user_id, p_other_id) and not a.shares_read_receipts
  )
  and not private.is_blocked(p_user_id, p_other_id);
end;
$$;

revoke all on function private.shares_read_receipts(uuid, uuid)
from public, anon, authenticated, service_role;
